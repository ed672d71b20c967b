/**
 * `npm run cluster`: many nodes on this machine behind one URL, with the services they need. `--help` lists its options
 * (cluster/options.mjs). The way: cluster/client.mjs starts it → cluster/table.mjs shows it → a signal → it stops, exit 0.
 */
import path from "node:path"
import { startCluster } from "./cluster/client.mjs"
import { ClusterError } from "./cluster/node.mjs"
import { parseArguments, USAGE } from "./cluster/options.mjs"
import { clusterTable } from "./cluster/table.mjs"
import { ensureServices, ServicesError } from "./services/find.mjs"

/** npm hands a terminal's Ctrl-C on to its child, which got it from the terminal already: that is one request, not two. */
const SAME_REQUEST_MS = 500

// `npm run cluster | head`: it goes on without a reader
process.stdout.on("error", () => {})
process.stderr.on("error", () => {})

/** @param {string} text */
const say = (text) => process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`)

/** The first signal is for `onFirst`; a later one ends this process, and with it its nodes and its services. @param {() => void} onFirst */
const onSignals = (onFirst) => {
  /** @type {number | undefined} */
  let askedAt
  const handle = () => {
    const now = performance.now()
    if (askedAt === undefined) {
      askedAt = now
      onFirst()
    } else if (now - askedAt > SAME_REQUEST_MS) process.exit(130)
  }
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, handle)
}

const main = async () => {
  const given = parseArguments(process.argv.slice(2), process.env)
  if (given === "help") return void process.stdout.write(USAGE)
  const { main: entry, persist, ...options } = given

  const starting = new AbortController()
  const stopRequested = new Promise((resolve) =>
    onSignals(() => {
      say("stopping; once more to end at once")
      starting.abort()
      resolve(undefined)
    })
  )
  const started = performance.now()
  // here and not in the services' keeper, for its words about an installation
  await ensureServices({ say })
  say("starting services and nodes")
  let cluster
  try {
    cluster = await startCluster({
      ...options,
      ...(entry === undefined ? {} : { main: path.resolve(entry) }),
      ...(persist === undefined ? {} : { persist: path.resolve(persist) }),
      signal: starting.signal,
      say
    })
  } catch (error) {
    // as asked
    if (starting.signal.aborted) return
    throw error
  }
  const seconds = (performance.now() - started) / 1000
  process.stdout.write(clusterTable(cluster, { colours: process.stdout.isTTY === true, seconds }))
  await stopRequested
  await cluster.stop()
  say("stopped")
}

main().then(
  () => process.exit(0),
  (error) => {
    const isExpected = error instanceof ClusterError || error instanceof ServicesError
    process.stderr.write(`lzstock cluster: ${isExpected ? error.message : (error?.stack ?? error)}\n`)
    process.exit(1)
  }
)
