/**
 * Everything in one process, nothing but this process: the list of layers below is what it consists of. Other roles differ
 * in this list only.
 */
import { hostname } from "node:os"
import { Effect, Layer } from "effect"
import { RpcServer } from "effect/rpc"
import { Bus } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../actors/kernel/Latency.ts"
import { QuoteCache } from "../../actors/kernel/QuoteCache.ts"
import { TimingWheel } from "../../actors/kernel/TimingWheel.ts"
import { BarHistory } from "../../actors/market/BarHistory.ts"
import { BarStore } from "../../actors/market/BarStore.ts"
import { Checkpoints } from "../../actors/market/Checkpoints.ts"
import { Feed } from "../../actors/market/Feed.ts"
import { ShardLedger } from "../../actors/market/ShardLedger.ts"
import { TickerActors } from "../../actors/market/TickerActor.ts"
import { QuoteHub } from "../../actors/sessions/QuoteHub.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { SymbolDirectory, Tickers } from "../../actors/sessions/Tickers.ts"
import { Watching } from "../../actors/sessions/Watching.ts"
import { MarketRpcs } from "../../rpc/market.ts"
import type { Settings } from "../Config.ts"
import { layer as layerCluster, layerSurroundings } from "../cluster/SingleNode.ts"
import { feedLayer } from "../feeds/index.ts"
import { HttpListener } from "../gateway/HttpListener.ts"
import { layerHttp } from "../gateway/http.ts"
import { layerMarketHandlers } from "../gateway/MarketHandlers.ts"
import { Readiness } from "../gateway/Readiness.ts"
import { layerProtocol } from "../gateway/WebSocketGateway.ts"
import { ProcessMetrics } from "../observability/ProcessMetrics.ts"
import { uiFolder, version } from "../version.ts"
import { layerRunFeed } from "./runFeed.ts"
import { serve } from "./serve.ts"

/** The symbols a session may watch are those the feed can tell about. */
const layerDirectory = Layer.effect(
  SymbolDirectory,
  Effect.map(Feed, ({ label, listings }) => {
    const symbols = new Set(listings.map(({ symbol }) => symbol))
    return SymbolDirectory.of({ has: (symbol) => symbols.has(symbol), label })
  })
)

const feedOf = (settings: Settings) => {
  const { symbols } = settings
  const all = typeof symbols === "object" && symbols.length === 0
  return feedLayer({ ...settings, symbols: all ? undefined : symbols })
}

/** From the ground up: each group needs only what stands above it. */
export const layerAllInOne = (settings: Settings) => {
  const ground = Layer.mergeAll(Gauges.layer, DeliveryLatency.layer, ProcessMetrics.layer, Readiness.layer)
  const kernel = Layer.mergeAll(Bus.layerInProcess, QuoteCache.layerNone, TimingWheel.layer)
  const market = Layer.mergeAll(TickerActors.layer, BarHistory.layer).pipe(
    Layer.provideMerge(layerSurroundings),
    Layer.provideMerge(
      Layer.mergeAll(
        feedOf(settings),
        layerCluster,
        BarStore.layerMemory,
        Checkpoints.layerMemory,
        ShardLedger.layerMemory
      )
    )
  )
  const sessions = Watching.layer({
    symbolsPerSession: settings.maxSymbols,
    watchesPerSession: settings.maxWatches
  }).pipe(
    Layer.provideMerge(QuoteHub.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        SessionActors.layer({
          maxSessions: settings.maxSessions,
          policy: { requestsPerSecond: settings.maxMessages, requestBurst: 4 * settings.maxMessages }
        }),
        Tickers.layer,
        layerDirectory
      )
    )
  )
  const gateway = RpcServer.layer(MarketRpcs, { disableTracing: true, disableFatalDefects: true }).pipe(
    Layer.provide(layerMarketHandlers({ version, node: hostname() })),
    Layer.provide(layerProtocol({ allowedOrigins: settings.allowedOrigins }))
  )
  const http = HttpListener.layer({ host: settings.host, port: settings.port })
  return Layer.mergeAll(gateway, layerHttp({ uiFolder }), layerRunFeed).pipe(
    Layer.provideMerge(sessions),
    Layer.provideMerge(market),
    Layer.provideMerge(http),
    Layer.provideMerge(kernel),
    Layer.provideMerge(ground)
  )
}

/** Runs until SIGTERM or SIGINT, then drains. */
export const runAllInOne = (settings: Settings) => serve(settings, layerAllInOne(settings))
