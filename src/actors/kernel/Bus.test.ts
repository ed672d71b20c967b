import { Layer } from "effect"
import { busSuite } from "./Bus.suite.ts"
import { Bus } from "./Bus.ts"
import { Gauges } from "./Gauges.ts"

busSuite("in process", Bus.layerInProcess.pipe(Layer.provideMerge(Gauges.layer)))
