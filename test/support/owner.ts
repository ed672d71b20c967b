/** An owner of a shard, for what is put under its term. */
import type { ShardTerm } from "../../src/actors/market/ShardTerms.ts"

export const owner = (shard = 0, term = 1): ShardTerm => {
  let epoch = term
  return { shard, term, settled: undefined, nextEpoch: () => ++epoch, continues: () => false }
}
