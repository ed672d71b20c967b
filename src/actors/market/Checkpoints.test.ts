import { Layer } from "effect"
import { checkpointsSuite } from "./Checkpoints.suite.ts"
import { Checkpoints } from "./Checkpoints.ts"
import { ShardLedger } from "./ShardLedger.ts"

checkpointsSuite("Checkpoints.layerMemory", Layer.merge(Checkpoints.layerMemory, ShardLedger.layerMemory), {
  fenced: false
})
