import { shardLedgerSuite } from "./ShardLedger.suite.ts"
import { ShardLedger } from "./ShardLedger.ts"

shardLedgerSuite("ShardLedger.layerMemory", ShardLedger.layerMemory)
