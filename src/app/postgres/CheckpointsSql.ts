/**
 * Tickers' states in the table `ticker_checkpoints`, one row a symbol. Saves and loads of all actors are gathered (Batches.ts);
 * saves are fenced (Fence.ts).
 */
import { Effect, Exit, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Checkpoints } from "../../actors/market/Checkpoints.ts"
import type { StaleOwner } from "../../actors/market/ShardLedger.ts"
import type { ShardTerm } from "../../actors/market/ShardTerms.ts"
import { decodeCheckpoint, encodeCheckpoint } from "../../actors/market/tickerCheckpointBytes.ts"
import { makeBatches } from "../Batches.ts"
import { whenAway } from "./Database.ts"
import { FENCE, Owners } from "./Fence.ts"
import { byteas, float8s, int4s, texts } from "./params.ts"

interface Save {
  readonly owner: ShardTerm
  readonly symbol: string
  readonly epoch: number
  readonly seq: number
  readonly run: string
  readonly fed: number
  readonly state: Uint8Array
}

/** Of one statement, at most. */
const MOST_BYTES = 4 * 1024 * 1024
const MOST_LOADS = 32
const MOST_WAITING = 1_024

/**
 * A save that its owner gave up waiting for may still be on its way, and be overtaken by a later one: within a term and a run
 * nothing goes back. It succeeds all the same, for the state that is there has everything in it. As far as the one that is
 * there, the later counts: it may be the one its owner left.
 */
const SAVE = `
WITH ${FENCE}, saved AS (
  INSERT INTO ticker_checkpoints (symbol, shard, term, epoch, seq, run, fed, state)
  SELECT ticker.symbol, ticker.shard, fence.term, ticker.epoch::bigint, ticker.seq::bigint, ticker.run,
    ticker.fed::bigint, ticker.state
  FROM unnest($3::int[], $4::text[], $5::int[], $6::float8[], $7::float8[], $8::text[], $9::float8[], $10::bytea[])
    AS ticker (owner, symbol, shard, epoch, seq, run, fed, state)
  JOIN fence ON fence.owner = ticker.owner
  ON CONFLICT (symbol) DO UPDATE SET
    shard = excluded.shard, term = excluded.term, epoch = excluded.epoch, seq = excluded.seq, run = excluded.run,
    fed = excluded.fed, state = excluded.state, saved_at = excluded.saved_at
  WHERE (ticker_checkpoints.term, ticker_checkpoints.run) <> (excluded.term, excluded.run)
    OR ticker_checkpoints.fed <= excluded.fed
)
SELECT owner FROM fence`

/** What the statement does with two saves of a symbol, the earlier asked for first. */
const replaces = (later: Save, earlier: Save): boolean =>
  later.owner.term === earlier.owner.term && later.run === earlier.run
    ? earlier.fed <= later.fed
    : earlier.owner.term <= later.owner.term

/** A statement may write a row once. */
const newestSaves = (saves: ReadonlyArray<Save>): ReadonlyArray<Save> => {
  const newest = new Map<string, Save>()
  for (const save of saves) {
    const other = newest.get(save.symbol)
    if (other === undefined || replaces(save, other)) newest.set(save.symbol, save)
  }
  return [...newest.values()]
}

const layer: Layer.Layer<Checkpoints, never, Gauges | SqlClient.SqlClient> = Layer.effect(
  Checkpoints,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const gauges = yield* Gauges

    const saveAll = Effect.fnUntraced(function* (saves: ReadonlyArray<Save>) {
      const owners = new Owners()
      const rows = newestSaves(saves)
      const columns = [
        int4s(rows.map(({ owner }) => owners.numberOf(owner))),
        texts(rows.map(({ symbol }) => symbol)),
        int4s(rows.map(({ owner }) => owner.shard)),
        float8s(rows.map(({ epoch }) => epoch)),
        float8s(rows.map(({ seq }) => seq)),
        texts(rows.map(({ run }) => run)),
        float8s(rows.map(({ fed }) => fed)),
        byteas(rows.map(({ state }) => state))
      ]
      const passed = yield* sql.unsafe<{ readonly owner: number }>(SAVE, [...owners.params(), ...columns])
      return owners.exits(saves, new Set(passed.map(({ owner }) => owner)))
    })

    const loadAll = Effect.fnUntraced(function* (symbols: ReadonlyArray<string>) {
      const rows = yield* sql<{ readonly symbol: string; readonly state: Uint8Array }>`
        SELECT symbol, state FROM ticker_checkpoints WHERE symbol = ANY(${texts([...new Set(symbols)])})`
      const states = new Map(rows.map(({ state, symbol }) => [symbol, state]))
      return symbols.map((symbol) => Exit.succeed(states.get(symbol)))
    })

    const submitSave = yield* makeBatches<Save, void, StaleOwner>({
      run: (saves) => whenAway(saveAll(saves)),
      weight: ({ state }) => state.length,
      most: MOST_BYTES,
      waiting: MOST_WAITING
    })
    const submitLoad = yield* makeBatches<string, Uint8Array | undefined>({
      run: (symbols) => whenAway(loadAll(symbols)),
      weight: () => 1,
      most: MOST_LOADS,
      waiting: MOST_WAITING
    })

    return Checkpoints.of({
      save: (owner, state) =>
        Effect.suspend(() => {
          const { epoch, fed, run, seq, symbol } = state
          return submitSave({ owner, symbol, epoch, seq, run, fed, state: encodeCheckpoint(state) })
        }),
      load: (symbol) =>
        Effect.map(submitLoad(symbol), (bytes) => {
          if (bytes === undefined) return undefined
          const state = decodeCheckpoint(bytes)
          if (state === undefined) gauges.add("ticker_checkpoints_discarded_total", 1)
          return state
        })
    })
  })
)

export const CheckpointsSql = { layer }
