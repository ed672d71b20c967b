/**
 * Writes of many owners in one statement, each refused on its own when its shard has been claimed since. The statement locks the
 * owners' rows of `tick_shards` (FOR SHARE) and compares their terms: a claim waits for the writes under way, and the writes
 * after it find another term.
 */
import type { PgTypes } from "@effect/sql-pg"
import { Exit } from "effect"
import { StaleOwner } from "../../actors/market/ShardLedger.ts"
import type { ShardTerm } from "../../actors/market/ShardTerms.ts"
import { float8s, int4s } from "./params.ts"

/**
 * `$1`: shards, `$2`: their terms, as the statement's first two parameters. Gives `fence (owner, term)`: the owners, counted
 * from 1, that still are. MATERIALIZED, so that it is asked and locked once.
 */
export const FENCE = `
fence AS MATERIALIZED (
  SELECT claimed.owner::int, held.term
  FROM unnest($1::int[], $2::float8[]) WITH ORDINALITY AS claimed (shard, term, owner)
  JOIN tick_shards held ON held.shard = claimed.shard AND held.term = claimed.term::bigint
  FOR SHARE OF held
)`

/** The owners in a batch, each once. */
export class Owners {
  readonly #numbers = new Map<string, number>()
  readonly #shards: Array<number> = []
  readonly #terms: Array<number> = []

  /** The owner's number in the statement, from 1. */
  numberOf({ shard, term }: ShardTerm): number {
    const key = `${shard}:${term}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#shards.push(shard)
    this.#terms.push(term)
    this.#numbers.set(key, number)
    return number
  }

  params(): readonly [shards: PgTypes.Parameter, terms: PgTypes.Parameter] {
    return [int4s(this.#shards), float8s(this.#terms)]
  }

  /** What each item gets, by the numbers that came out of `fence`. */
  exits(
    items: ReadonlyArray<{ readonly owner: ShardTerm }>,
    passed: ReadonlySet<unknown>
  ): ReadonlyArray<Exit.Exit<void, StaleOwner>> {
    return items.map(({ owner }) =>
      passed.has(this.numberOf(owner)) ? Exit.void : Exit.fail(StaleOwner.of(owner.shard, owner.term))
    )
  }
}
