/** What a ticker actor holds: its state alone, the actor, the actor as a cluster entity, and on a node of the market role. */
import type { Kept, TickerKeeping } from "../servers/tickerActors.ts"
import type { TickOwning } from "../servers/tickOwner.ts"
import type { TickPublishing } from "../servers/tickPublisher.ts"
import { pause } from "../support/clock.ts"
import { start } from "../support/processes.ts"
import { kilobytes, type Report, thousands } from "../support/report.ts"
import { serviceVersions, withServices } from "../support/services.ts"

/** Compiled code and grown tables are no actor's cost: some come first. */
const FIRST = 1_000
const ACTORS = 10_000
const MARKET_ACTORS = 1_000
const SETTLE_MILLIS = 2_000

interface Held {
  readonly actors: number
  readonly heap: number
  readonly rss: number
  readonly fibers: number
}

const between = (before: Kept, after: Kept, count: number): Held => ({
  actors: count,
  heap: (after.memory.heapUsed - before.memory.heapUsed) / count,
  rss: (after.memory.rss - before.memory.rss) / count,
  fibers: (after.fibers - before.fibers) / count
})

const inProcess = async (way: "states" | "lives" | "entities", count: number): Promise<Held> => {
  const process = await start<TickerKeeping>("servers/tickerActors.ts", { node: ["--expose-gc"] })
  try {
    await process.ask("open", way)
    await process.ask("begin", { from: 0, to: FIRST })
    await pause(SETTLE_MILLIS)
    const before = await process.ask("kept", null)
    await process.ask("begin", { from: FIRST, to: FIRST + count })
    await pause(SETTLE_MILLIS)
    return between(before, await process.ask("kept", null), count)
  } finally {
    await process.end()
  }
}

/** Each symbol's first ticks come over NATS, and their actors with them. */
const onMarketNode = (count: number): Promise<Held> =>
  withServices(["nats", "postgres"], async ({ databaseUrl, natsUrl }) => {
    const wires = { natsUrl, prefix: "bench" }
    const all = FIRST + count
    const publisher = await start<TickPublishing>("servers/tickPublisher.ts")
    const owner = await start<TickOwning>("servers/tickOwner.ts", { node: ["--expose-gc"] })
    try {
      await owner.ask("open", { wires, symbols: all, databaseUrl })
      await publisher.ask("openEach", { wires, symbols: all })
      await owner.ask("begin", null)
      await publisher.ask("publish", { from: 0, to: FIRST })
      await owner.ask("end", { ticks: FIRST })
      await pause(SETTLE_MILLIS)
      const before = await owner.ask("actors", null)
      await publisher.ask("publish", { from: FIRST, to: all })
      await owner.ask("end", { ticks: all })
      await pause(SETTLE_MILLIS)
      const after = await owner.ask("actors", null)
      if (after.actors !== all) throw new Error(`${after.actors} of ${all} actors are there`)
      return between(before, after, count)
    } finally {
      await Promise.all([publisher.end(), owner.end()])
    }
  })

const row = (name: string, { actors, fibers, heap, rss }: Held): ReadonlyArray<string> => [
  name,
  thousands(actors),
  kilobytes(heap),
  kilobytes(rss),
  ((heap * 10_000) / 2 ** 20).toFixed(0),
  fibers.toFixed(2)
]

export const memory = async (scale: number): Promise<Report> => {
  const count = Math.round(ACTORS * scale)
  const states = await inProcess("states", count)
  const lives = await inProcess("lives", count)
  const entities = await inProcess("entities", count)
  const market = await onMarketNode(Math.round(MARKET_ACTORS * scale))
  const markets = await onMarketNode(count)
  return {
    name: "nodes memory",
    title: "Many nodes: memory per ticker actor",
    conditions: [
      `Idle actors with one day begun by one trade (quote, statistics, forming bars). Processes with --expose-gc, measured after full collections, against the same process with ${thousands(FIRST)} actors. ${serviceVersions()}.`,
      "State alone: what is folded, in a map. Actor: fiber, mailbox, supervision, its way to the stores, no cluster. Entity: the same behind Effect Cluster and the router (SingleNode), memory stores.",
      "Market role's node: over NATS, checkpoints, terms and bars in PostgreSQL, ManyNodes. RSS also holds what the start of so many actors at once allocated and V8 has not given back."
    ],
    head: ["KB an actor", "actors", "heap", "RSS", "heap of 10,000, MB", "fibers"],
    rows: [
      row("state alone", states),
      row("actor, in process", lives),
      row("entity, SingleNode", entities),
      row("market role's node", market),
      row("market role's node", markets)
    ],
    verdicts: [
      `Of an entity's ${kilobytes(entities.heap)} KB heap, ${kilobytes(states.heap)} KB are state, ${kilobytes(lives.heap - states.heap)} KB the actor, ${kilobytes(entities.heap - lives.heap)} KB the cluster's.`
    ]
  }
}
