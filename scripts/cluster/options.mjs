/** What `npm run cluster -- …` takes: its own options, and everything else for the server. */
import { ClusterError } from "./node.mjs"

export const USAGE = `LZStock cluster: many nodes on this machine, behind one URL

Usage: npm run cluster -- [options] [options of the server]

  --gateways N        nodes with the dashboard and sessions            default 2
  --markets N         nodes with ticker actors                         default 3
  --workers N         nodes that may run the feed (one does)           default 1
  --port PORT         of the one URL; 0 takes any free one             default 4280 · LZSTOCK_PORT
  --host HOST         where it listens; 0.0.0.0 for every network      default 127.0.0.1 · LZSTOCK_HOST
  --drain-seconds N   on Ctrl-C: time for each node to end             default 10 · LZSTOCK_DRAIN_SECONDS
  --persist DIR       keep data and logs in this folder                default: a temp folder, which goes
  --restart           start a node that died again, after a second     default: it stays dead
  --main FILE         another program for the nodes than src/app/main.ts
  --help, -h          this text

PostgreSQL, Redis and NATS are those of DATABASE_URL, REDIS_URL and NATS_URL; where one is not set, a server of its own is
started, on a free port, and ended.

Nobody has to sign in while only this machine can connect; --sign-in required has everybody do so.

Every other option goes to every node as it is: npm start -- --help lists them. So does the environment.

Ctrl-C drains the gateways, then the other nodes, and stops the services; a second one ends everything at once.
Try kill -9 on a node's process (its number is in the table): the others go on without it.

Examples
  npm run cluster
  npm run cluster -- --markets 5 --restart --symbols 500
  npm run cluster -- --feed replay --data ../shared/data/market/lean --date 2013-10-07 --speed 60
`

/**
 * @typedef {object} ClusterArguments
 * @property {number} gateways
 * @property {number} markets
 * @property {number} workers
 * @property {number} port
 * @property {string} host
 * @property {number} drainSeconds
 * @property {string | undefined} persist
 * @property {boolean} restart
 * @property {string | undefined} main
 * @property {ReadonlyArray<string>} nodeOptions as they were typed
 */

/** Of the server, but not for a person to say here. */
const REFUSED = {
  "--role": "--gateways, --markets and --workers say how many of each",
  "--node": "nodes are named by their role",
  "--data-dir": "--persist DIR keeps the data",
  "--database-url": "set DATABASE_URL",
  "--nats-url": "set NATS_URL",
  "--redis-url": "set REDIS_URL",
  "--log-format": "logs of nodes are JSON",
  "--version": "npm start -- --version tells it"
}

const OWN = ["--gateways", "--markets", "--workers", "--port", "--host", "--drain-seconds", "--persist", "--main"]

/**
 * @param {ReadonlyArray<string>} argv
 * @param {NodeJS.ProcessEnv} env
 * @returns {ClusterArguments | "help"} throws a ClusterError, one line
 */
export const parseArguments = (argv, env) => {
  /** @type {Map<string, string>} */
  const own = new Map()
  /** @type {string[]} */
  const nodeOptions = []
  let restart = false
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? ""
    const [flag = "", ...rest] = argument.split("=")
    const next = argv[i + 1]
    const hasNext = rest.length === 0 && next !== undefined && !next.startsWith("--")
    if (flag === "--help" || flag === "-h") return "help"
    if (Object.hasOwn(REFUSED, flag)) {
      throw new ClusterError(
        `${flag} is not an option of the cluster: ${Object.entries(REFUSED).find(([name]) => name === flag)?.[1]}.`
      )
    }
    if (flag === "--restart" && rest.length === 0) restart = true
    else if (OWN.includes(flag)) {
      const value = rest.length > 0 ? rest.join("=") : hasNext ? next : ""
      if (value === "") throw new ClusterError(`${flag} needs a value; --help tells more.`)
      own.set(flag, value)
      if (hasNext) i++
    } else {
      nodeOptions.push(argument)
      // its value is never taken for an option of ours
      if (hasNext) nodeOptions.push(argv[++i] ?? "")
    }
  }

  /** @param {string} flag @param {string} fallback @param {number} minimum @param {number} maximum */
  const integer = (flag, fallback, minimum, maximum) => {
    const text = own.get(flag) ?? fallback
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= minimum && value <= maximum) return value
    throw new ClusterError(`${flag}: "${text}" is not an integer, ${minimum} to ${maximum}.`)
  }
  return {
    gateways: integer("--gateways", "2", 1, 64),
    markets: integer("--markets", "3", 1, 64),
    workers: integer("--workers", "1", 1, 64),
    port: integer("--port", env.LZSTOCK_PORT ?? "4280", 0, 65_535),
    host: own.get("--host") ?? env.LZSTOCK_HOST ?? "127.0.0.1",
    drainSeconds: integer("--drain-seconds", env.LZSTOCK_DRAIN_SECONDS ?? "10", 0, 3600),
    persist: own.get("--persist"),
    restart,
    main: own.get("--main"),
    nodeOptions
  }
}
