/**
 * Everything in one process, nothing but this process and its data folder: the list of layers below is what it consists of.
 * Other roles differ in this list only.
 */
import { Layer } from "effect"
import { Bus } from "../../actors/kernel/Bus.ts"
import { EventLog } from "../../actors/kernel/EventLog.ts"
import { QuoteCache } from "../../actors/kernel/QuoteCache.ts"
import { TimingWheel } from "../../actors/kernel/TimingWheel.ts"
import { BarHistory } from "../../actors/market/BarHistory.ts"
import { Checkpoints } from "../../actors/market/Checkpoints.ts"
import { TickerActors } from "../../actors/market/TickerActor.ts"
import type { Settings } from "../Config.ts"
import { layer as layerCluster, layerSurroundings } from "../cluster/SingleNode.ts"
import { layerCompanySync, layerSymbolMaster } from "../companies/index.ts"
import { OutboxRelay } from "../postgres/OutboxRelay.ts"
import { ShardLedgerSql } from "../postgres/ShardLedgerSql.ts"
import { layerFeed, layerGateway, layerGround, layerListener, layerSessions } from "./parts.ts"
import { layerRunFeed } from "./runFeed.ts"
import { Farewell, serve } from "./serve.ts"
import { layerBarStore, layerDatabase } from "./stores.ts"

/** From the ground up: each group needs only what stands above it. */
export const layerAllInOne = (settings: Settings) => {
  const kernel = Layer.mergeAll(Bus.layerInProcess, QuoteCache.layerNone, TimingWheel.layer)
  const market = Layer.mergeAll(TickerActors.layer, BarHistory.layer).pipe(
    Layer.provideMerge(layerSurroundings),
    Layer.provideMerge(
      Layer.mergeAll(
        layerBarStore,
        layerCluster,
        // the feed begins anew with the process, and so do its tickers
        Checkpoints.layerMemory,
        ShardLedgerSql.layer
      )
    ),
    Layer.provideMerge(Layer.mergeAll(layerFeed(settings), layerDatabase(settings)))
  )
  return Layer.mergeAll(
    layerGateway(settings),
    layerRunFeed,
    layerCompanySync(settings),
    Farewell.sessions(settings)
  ).pipe(
    Layer.provideMerge(layerSymbolMaster),
    Layer.provideMerge(layerSessions(settings)),
    Layer.provideMerge(Layer.provide(OutboxRelay.layer, EventLog.layerInProcess)),
    Layer.provideMerge(market),
    Layer.provideMerge(layerListener(settings)),
    Layer.provideMerge(kernel),
    Layer.provideMerge(layerGround)
  )
}

/** Runs until SIGTERM or SIGINT, then drains. */
export const runAllInOne = (settings: Settings) => serve(settings, layerAllInOne(settings))
