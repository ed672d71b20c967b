/** The dashboard and the sessions of investors; owns no shard, asks and hears the nodes that do. As many as needed. */
import { Layer } from "effect"
import { BarHistory } from "../../actors/market/BarHistory.ts"
import { RemoteFeed } from "../../actors/market/RemoteFeed.ts"
import type { Settings } from "../Config.ts"
import { layerSymbolMaster } from "../companies/index.ts"
import { NatsEventLog } from "../nats/events/NatsEventLog.ts"
import { NatsBus } from "../nats/NatsBus.ts"
import { OutboxRelay } from "../postgres/OutboxRelay.ts"
import { layerGateway, layerListener, layerSessions } from "./parts.ts"
import { Farewell, serve } from "./serve.ts"
import { layerBarStore } from "./stores.ts"
import { layerWires } from "./wires.ts"

export const layerGatewayNode = (settings: Settings) =>
  Layer.mergeAll(layerGateway(settings), Farewell.sessions(settings)).pipe(
    Layer.provideMerge(layerSessions(settings)),
    Layer.provideMerge(layerSymbolMaster),
    Layer.provideMerge(BarHistory.layer),
    Layer.provideMerge(layerBarStore),
    Layer.provideMerge(Layer.provide(OutboxRelay.layer, NatsEventLog.layer({ prefix: settings.cluster }))),
    Layer.provideMerge(RemoteFeed.layer),
    Layer.provideMerge(layerListener(settings)),
    Layer.provideMerge(layerWires(settings, "gateway", NatsBus.layer({ prefix: settings.cluster })))
  )

/** Runs until SIGTERM or SIGINT, then drains its sessions. */
export const runGateway = (settings: Settings) => serve(settings, layerGatewayNode(settings))
