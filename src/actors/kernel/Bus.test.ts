import { Context, Effect, Layer } from "effect"
import { busSuite } from "./Bus.suite.ts"
import { Bus } from "./Bus.ts"
import { Gauges } from "./Gauges.ts"

const open = Effect.map(Layer.build(Bus.layerInProcess.pipe(Layer.provideMerge(Gauges.layer))), (services) => {
  const bus = Context.get(services, Bus)
  return { publisher: bus, subscriber: bus, gauges: Context.get(services, Gauges) }
})

busSuite("in process", open, { publisherWaits: true, knowsSubscribers: true })
