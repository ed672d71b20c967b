/**
 * LZStock's gateway and session actors as they are, over real sockets; only the ticker actors are replaced, by a source
 * whose pace the bench sets. Every update is encoded once and published on the bus.
 */
import { Context, Effect, Layer } from "effect"
import { RpcGroup, RpcServer } from "effect/rpc"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../src/actors/kernel/Latency.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { TimingWheel } from "../../src/actors/kernel/TimingWheel.ts"
import { QuoteHub } from "../../src/actors/sessions/QuoteHub.ts"
import { SessionActors } from "../../src/actors/sessions/SessionActors.ts"
import { SymbolDirectory, Tickers } from "../../src/actors/sessions/Tickers.ts"
import { Watching } from "../../src/actors/sessions/Watching.ts"
import { Authenticator } from "../../src/app/gateway/Authenticator.ts"
import { HttpListener } from "../../src/app/gateway/HttpListener.ts"
import { layerProtocol } from "../../src/app/gateway/WebSocketGateway.ts"
import { makeWatchHandlers } from "../../src/app/gateway/watchHandlers.ts"
import { SetWatched, Watch } from "../../src/rpc/market.ts"
import { quotesTopic } from "../../src/rpc/topics.ts"
import { encodeQuoteBody, type QuoteState } from "../../src/rpc/wire.ts"
import { countFibers, fibersActive } from "../support/fibers.ts"
import { answer } from "../support/processes.ts"
import { symbolsOf } from "../support/topology.ts"
import { settledMemory } from "../support/vitals.ts"
import { type BenchServer, measuring } from "./BenchServer.ts"
import { QuoteSource } from "./QuoteSource.ts"

const all = symbolsOf(Number(process.argv[2] ?? 2_000))
const indexOf = new Map(all.map((symbol, index) => [symbol, index]))

const encode = (state: QuoteState) => ({
  symbol: state.symbol,
  epoch: state.epoch,
  seq: state.seq,
  exchangeTime: state.exchangeTime,
  ingestTime: state.ingestTime,
  body: encodeQuoteBody(state)
})

class Source extends Context.Service<Source, QuoteSource>()("lzstock/bench/Source") {
  static readonly layer = Layer.effect(
    Source,
    Effect.gen(function* () {
      const bus = yield* Bus
      const topics = all.map(quotesTopic)
      return new QuoteSource(all.length, (index, state) => {
        const topic = topics[index]
        if (topic !== undefined && bus.hasSubscribers(topic)) Effect.runSync(bus.publish(topic, encode(state)))
      })
    })
  )
}

const layerTickers = Layer.mergeAll(
  Layer.effect(
    Tickers,
    Effect.map(Source, ({ states }) =>
      Tickers.of({
        snapshot: (symbol) =>
          Effect.suspend(() => {
            const state = states[indexOf.get(symbol) ?? -1]
            return state === undefined ? Effect.die(new Error(symbol)) : Effect.succeed(encode(state))
          }),
        hold: () => Effect.never
      })
    )
  ),
  Layer.succeed(SymbolDirectory, { has: (symbol) => indexOf.has(symbol), label: "SIMULATED" })
)

const Streams = RpcGroup.make(Watch, SetWatched).prefix("market.")

const layer = RpcServer.layer(Streams, { disableTracing: true, disableFatalDefects: true }).pipe(
  Layer.provide(
    Streams.toLayer(
      Effect.map(makeWatchHandlers, ({ setWatched, watch }) => ({
        "market.Watch": watch,
        "market.SetWatched": setWatched
      }))
    )
  ),
  Layer.provide(Layer.provide(layerProtocol({ allowedOrigins: [] }), Authenticator.layerLocal)),
  Layer.provideMerge(HttpListener.layer({ host: "127.0.0.1", port: 0 })),
  Layer.provide(Watching.layer({ symbolsPerSession: 5_000, watchesPerSession: 32 })),
  Layer.provide(QuoteHub.layer),
  Layer.provide(SessionActors.layer({ maxSessions: 19_000 })),
  Layer.provide(layerTickers),
  Layer.provideMerge(Source.layer),
  Layer.provide(Layer.mergeAll(Bus.layerInProcess, QuoteCache.layerNone, TimingWheel.layer)),
  Layer.provideMerge(Layer.mergeAll(Gauges.layer, DeliveryLatency.layer))
)

const program = Effect.gen(function* () {
  const { port } = yield* HttpListener
  const gauges = yield* Gauges
  const source = yield* Source
  const server: BenchServer = {
    port: () => port,
    feed: (perSecond) => source.start(perSecond),
    hush: () => source.stop(),
    ...measuring(() => gauges.get("session_flushes_total")),
    memory: settledMemory,
    open: () => ({
      gauges: Object.fromEntries(gauges.samples().map(({ labels, name, value }) => [`${name}{${labels}}`, value])),
      fibers: fibersActive(),
      handles: process.getActiveResourcesInfo()
    })
  }
  answer(server)
  return yield* Effect.never
})

Effect.runFork(program.pipe(Effect.provide(layer), countFibers))
