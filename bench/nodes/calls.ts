/** Calls of an entity: in one process, between two over NATS, and bare NATS requests that do the same. */
import type { Called, CallNode } from "../servers/callNode.ts"
import { type Child, start } from "../support/processes.ts"
import { median, millis, type Report, thousands } from "../support/report.ts"
import { type BenchServices, serviceVersions, withServices } from "../support/services.ts"

const ROUNDS = 3
const AT_ONCE = [1, 64] as const

interface Measured extends Called {
  /** CPU seconds beside the caller's. */
  readonly owner: number
  readonly nats: number
}

type Services = BenchServices<"nats" | "postgres">
type Node = Child<CallNode>

interface Way {
  readonly name: string
  /** Calls of a round, one at a time; ten times as many at once. */
  readonly calls: number
  readonly open: (services: Services) => Promise<{ readonly caller: Node; readonly owner: Node | undefined }>
}

let runs = 0

const twoProcesses =
  (owner: "openOwner" | "openBareOwner", caller: "openCaller" | "openBareCaller"): Way["open"] =>
  async ({ databaseUrl, natsUrl }) => {
    const place = { databaseUrl, wires: { natsUrl, prefix: `calls${runs++}` } }
    const nodes = {
      owner: await start<CallNode>("servers/callNode.ts"),
      caller: await start<CallNode>("servers/callNode.ts")
    }
    await nodes.owner.ask(owner, place)
    await nodes.caller.ask(caller, place)
    return nodes
  }

const ways: ReadonlyArray<Way> = [
  {
    name: "entity, one process",
    calls: 20_000,
    open: async () => {
      const caller = await start<CallNode>("servers/callNode.ts")
      await caller.ask("openSingle", null)
      return { caller, owner: undefined }
    }
  },
  { name: "entity, over NATS", calls: 5_000, open: twoProcesses("openOwner", "openCaller") },
  { name: "bare NATS request", calls: 5_000, open: twoProcesses("openBareOwner", "openBareCaller") }
]

const measure = async (services: Services, way: Way, scale: number) => {
  const { caller, owner } = await way.open(services)
  const found = new Map<number, Array<Measured>>(AT_ONCE.map((atOnce) => [atOnce, []]))
  const calls = (atOnce: number) => Math.round(scale * way.calls * (atOnce === 1 ? 1 : 10))
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const atOnce of AT_ONCE) {
        await owner?.ask("begin", null)
        const before = services.cpu("nats")
        const called = await caller.ask("call", { calls: calls(atOnce), atOnce })
        const nats = owner === undefined ? 0 : services.cpu("nats") - before
        const measured = { ...called, nats, owner: (await owner?.ask("end", null))?.cpuSeconds ?? 0 }
        // the first round compiles, finds the owner and starts the entities
        if (round > 0) found.get(atOnce)?.push(measured)
      }
    }
    return found
  } finally {
    await Promise.all([caller.end(), owner?.end()])
  }
}

export const calls = (scale: number): Promise<Report> =>
  withServices(["nats", "postgres"], async (services) => {
    const rows: Array<ReadonlyArray<string>> = []
    const rates = new Map<string, number>()
    for (const way of ways) {
      const found = await measure(services, way, scale)
      for (const [atOnce, rounds] of found) {
        const of = (value: (measured: Measured) => number) => median(rounds.map(value))
        const micros = (cpuSeconds: (measured: Measured) => number) =>
          of((measured) => (cpuSeconds(measured) * 1e6) / measured.calls)
        const rate = of(({ calls: made, vitals }) => made / vitals.seconds)
        rates.set(`${way.name} ${atOnce}`, rate)
        const isLocal = micros(({ owner }) => owner) === 0
        rows.push([
          `${way.name}, ${atOnce === 1 ? "one at a time" : `${atOnce} at once`}`,
          thousands(rate),
          micros(({ vitals }) => vitals.cpuSeconds).toFixed(0),
          isLocal ? "–" : micros(({ owner }) => owner).toFixed(0),
          isLocal ? "–" : micros(({ nats }) => nats).toFixed(0),
          micros(({ nats, owner, vitals }) => nats + owner + vitals.cpuSeconds).toFixed(0),
          millis(of(({ latency }) => latency.p50)),
          millis(of(({ latency }) => latency.p99)),
          millis(of(({ latency }) => latency.max))
        ])
      }
    }
    const ratio = (atOnce: number) =>
      (rates.get(`entity, over NATS ${atOnce}`) ?? 0) / (rates.get(`bare NATS request ${atOnce}`) ?? 1)
    return {
      name: "nodes calls",
      title: "Many nodes: entity calls",
      conditions: [
        `A call adds an integer to one of 64 entities and answers the sum. One process: SingleNode. Over NATS: a process that owns them (ManyNodes) and one that only calls, as a gateway does. Bare: a NATS request with the same content as JSON, a map of sums behind it; no deadline, no mailbox, nothing sent again. ${serviceVersions()}.`,
        `Median of ${ROUNDS} rounds after one that warms up. Closed loop: each caller waits for its answer before it asks again, so latency at 64 at once is that of a full pipe. CPU µs a call, of each whole process.`
      ],
      head: [
        "calls",
        "calls/s",
        "caller µs",
        "owner µs",
        "nats-server µs",
        "together µs",
        "p50 ms",
        "p99 ms",
        "max ms"
      ],
      rows,
      verdicts: [
        `Over NATS against bare requests, calls/s: ${ratio(1).toFixed(2)}× one at a time, ${ratio(64).toFixed(2)}× at 64 at once.`
      ]
    }
  })
