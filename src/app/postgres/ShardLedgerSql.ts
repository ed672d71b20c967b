/** Who owns a tick shard, in the table `tick_shards`: a claim waits for the writes that its row is locked by (Fence.ts). */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type Claim, ShardLedger, StaleOwner, TERM_STEP } from "../../actors/market/ShardLedger.ts"
import { whenAway } from "./Database.ts"
import { float8, int4 } from "./params.ts"

interface Row {
  readonly term: number
  readonly stream: string | null
  readonly seq: number | null
  readonly previous: number | null
}

const claimOf = ({ previous, seq, stream, term }: Row): Claim => ({
  term,
  previous: previous ?? undefined,
  settled: stream === null || seq === null ? undefined : { stream, seq }
})

const layer: Layer.Layer<ShardLedger, never, SqlClient.SqlClient> = Layer.effect(
  ShardLedger,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return ShardLedger.of({
      claim: (shard) =>
        sql<Row>`
          INSERT INTO tick_shards (shard, term)
          VALUES (${int4(shard)}, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
          ON CONFLICT (shard) DO UPDATE SET
            previous = tick_shards.term, term = greatest(tick_shards.term + ${int4(TERM_STEP)}, excluded.term)
          RETURNING term::float8, stream, settled_seq::float8 AS seq, previous::float8`.pipe(
          Effect.flatMap(([row]) =>
            row === undefined
              ? Effect.die(new Error(`Claiming shard ${shard} gave no row`))
              : Effect.succeed(claimOf(row))
          ),
          whenAway
        ),
      settle: (shard, term, { seq, stream }) =>
        sql`
          UPDATE tick_shards
          SET settled_seq = CASE WHEN stream = ${stream} THEN greatest(settled_seq, ${float8(seq)}::bigint)
                                 ELSE ${float8(seq)}::bigint END,
              stream = ${stream}
          WHERE shard = ${int4(shard)} AND term = ${float8(term)}::bigint
          RETURNING shard`.pipe(
          Effect.flatMap((rows) => (rows.length === 1 ? Effect.void : Effect.fail(StaleOwner.of(shard, term)))),
          whenAway
        )
    })
  })
)

export const ShardLedgerSql = { layer }
