/** `npm run bench [-- NAME… --scale F --priority N --no-save]`: measures, prints, and keeps the figures in RESULTS.md. */
import { parseArgs } from "node:util"
import { fanout, immediate } from "./fanout.ts"
import { fold } from "./fold.ts"
import { fuzz } from "./fuzz.ts"
import { keystrokes } from "./keystrokes.ts"
import { load, shapeNames } from "./load.ts"
import { memory } from "./memory.ts"
import { nodes } from "./nodes.ts"
import { search } from "./search.ts"
import { storm } from "./storm.ts"
import { strangers } from "./strangers.ts"
import { setChildPriority } from "./support/processes.ts"
import { loadNow, type Report, render, save } from "./support/report.ts"
import { teardown } from "./teardown.ts"

type Benchmarks = Readonly<Record<string, (scale: number, published?: number) => Promise<Report>>>

const benchmarks: Benchmarks = {
  fold,
  fanout,
  immediate,
  memory,
  search,
  keystrokes,
  teardown
}

const help = `npm run bench [-- NAME… OPTIONS]

  fold        ticks folded per core: the fold alone, and through bus, router and ticker actors
  fanout      5,000 sessions × 50 of 2,000 symbols, 100 ms window, beside bare ws
  immediate   2,000 sessions, 20,000 flushes/s, no window, beside bare ws
  memory      resident memory and heap per idle session, beside bare ws
  search      companies as one types, beside a sorted array and a search library, of 10,000 and 1,000,000
  keystrokes  companies as one types, from a client to the real server and back, beside a bare WebSocket
  teardown    10,000 sessions leave in three ways
  storm       10,000 sessions lose their connection at once and come back (not part of the default)
  strangers   10,000 connections that never sign in, beside sessions that have (not part of the default)
  fuzz        peers that say everything but what they should, for --minutes (not part of the default)
  load SHAPE  the real server under users: smoke, spike or capacity (not part of the default)
  nodes PART… many nodes, over NATS and PostgreSQL: ticks, latency, calls, failover, memory, or all (not part of the default)

  --scale F     shorter (0.1) or longer (2) than usual
  --priority N  niceness of the measured processes; below 0 needs root, and a session of its own (setsid)
  --published N symbol updates a second for fanout, each going to 125 sessions (4,000)
  --minutes N   of fuzz (10)
  --server "…"  more options for the server of load, e.g. "--rate 2"
  --no-save     print only, leave RESULTS.md alone
`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: "string", default: "1" },
    priority: { type: "string", default: "0" },
    published: { type: "string" },
    minutes: { type: "string", default: "10" },
    server: { type: "string" },
    "no-save": { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const onlyWhenAsked: Benchmarks = { storm, strangers, fuzz: () => fuzz(Number(values.minutes)) }

const fail = (message: string): never => {
  process.stderr.write(`bench: ${message}\n\n${help}`)
  process.exit(2)
}

const say = (report: Report, loadBefore: number) => {
  const text = render(report, loadBefore, Number(values.priority))
  process.stdout.write(`\n${text}\n`)
  if (!values["no-save"]) save(report, text)
}

const run = async () => {
  const scale = Number(values.scale)
  if (!(scale > 0)) fail(`--scale ${values.scale} is not a number above 0`)
  if (!(Number(values.minutes) > 0)) fail(`--minutes ${values.minutes} is not a number above 0`)
  setChildPriority(Number(values.priority))
  if (positionals[0] === "load") {
    const [, shape = "smoke", ...rest] = positionals
    if (!shapeNames.includes(shape) || rest.length > 0) fail(`load has the shapes ${shapeNames.join(", ")}`)
    const before = loadNow()
    return say(await load(shape, scale, values.server?.split(" ")), before)
  }
  if (positionals[0] === "nodes") return measure(nodes, positionals.slice(1), scale)
  return measure(positionals.length === 0 ? benchmarks : { ...benchmarks, ...onlyWhenAsked }, positionals, scale)
}

const measure = async (from: Benchmarks, asked: ReadonlyArray<string>, scale: number) => {
  const names = asked.length === 0 ? Object.keys(from) : asked
  for (const name of names) if (from[name] === undefined) fail(`there is no benchmark "${name}"`)
  for (const name of names) {
    const before = loadNow()
    process.stderr.write(`${name} …\n`)
    const report = await from[name]?.(scale, values.published === undefined ? undefined : Number(values.published))
    if (report !== undefined) say(report, before)
  }
}

if (values.help) process.stdout.write(help)
else await run()
process.exit(0)
