/** A process that owns every tick shard and folds what comes over NATS in its ticker actors; or counts bare messages. */
import { connect } from "@nats-io/transport-node"
import { Context, Effect, Layer, Scope } from "effect"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { TICK_SHARDS } from "../../src/rpc/topics.ts"
import { countFibers, fibersActive } from "../support/fibers.ts"
import { layerInMemory, layerInPostgres, type Wires } from "../support/marketNode.ts"
import { TEN_O_CLOCK } from "../support/morning.ts"
import { answer } from "../support/processes.ts"
import { symbolsOf } from "../support/topology.ts"
import { settledMemory, startVitals, type Vitals } from "../support/vitals.ts"

const LOOK_MILLIS = 5
const STILL_MILLIS = 30_000

let gauges: Gauges["Service"] | undefined
let messages = 0
let endVitals: (() => Vitals) | undefined

/** Fails when `progress` stands still: an owner that has lost its shards for good folds nothing more. */
const until = async (condition: () => boolean, progress: () => number): Promise<void> => {
  let [reached, at] = [progress(), performance.now()]
  while (!condition()) {
    await new Promise((done) => setTimeout(done, LOOK_MILLIS))
    const now = progress()
    if (now !== reached) [reached, at] = [now, performance.now()]
    else if (performance.now() - at > STILL_MILLIS) {
      throw new Error(`stands still at ${reached}; ${gauge("tick_shards_active")} shards are owned`)
    }
  }
}
const gauge = (name: string, labels?: string) => gauges?.get(name, labels) ?? 0

const owner = {
  open: async (asked: { readonly wires: Wires; readonly symbols: number; readonly databaseUrl?: string }) => {
    const symbols = symbolsOf(asked.symbols)
    const marketTime = () => TEN_O_CLOCK
    const layer =
      asked.databaseUrl === undefined
        ? layerInMemory(asked.wires, symbols, marketTime)
        : layerInPostgres(asked.wires, asked.databaseUrl, symbols, marketTime)
    const building = Scope.provide(Layer.build(layer), Scope.makeUnsafe())
    gauges = Context.get(await Effect.runPromise(building.pipe(countFibers)), Gauges)
    const shards = () => gauge("tick_shards_active")
    await until(() => shards() === TICK_SHARDS, shards)
  },
  openBare: async (asked: { readonly natsUrl: string; readonly subject: string }): Promise<void> => {
    const connection = await connect({ servers: new URL(asked.natsUrl).host })
    connection.subscribe(asked.subject, { callback: () => void messages++ })
    await connection.flush()
  },
  /** Sends back what it hears. */
  openEcho: async (asked: { readonly natsUrl: string; readonly prefix: string }): Promise<void> => {
    const connection = await connect({ servers: new URL(asked.natsUrl).host })
    connection.subscribe(`${asked.prefix}.there`, {
      callback: (_, { data }) => connection.publish(`${asked.prefix}.back`, data)
    })
    await connection.flush()
  },
  begin: (_: null) => {
    endVitals = startVitals()
  },
  /** Once so many ticks are folded, or so many bare messages heard. */
  end: async (asked: { readonly ticks?: number; readonly messages?: number }): Promise<Vitals> => {
    const folded = () => gauge("ticks_folded_total")
    await until(
      () => folded() >= (asked.ticks ?? 0) && messages >= (asked.messages ?? 0),
      () => folded() + messages
    )
    if (endVitals === undefined) throw new Error("begin first")
    return endVitals()
  },
  /** What must not be: lost, dropped or parked ticks. */
  faults: (_: null) => ({
    gaps: gauge("tick_stream_gaps_total"),
    refused: gauge("bus_messages_refused_total"),
    unclean: gauge("ticker_unclean_stops_total")
  }),
  actors: (_: null) => ({
    actors: gauge("actors_active", 'kind="ticker"'),
    fibers: fibersActive(),
    memory: settledMemory()
  })
}
export type TickOwning = typeof owner

answer(owner)
