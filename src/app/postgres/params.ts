/**
 * Columns of many rows as one parameter each, for unnest(). Numbers travel as float8, which holds every safe integer exactly and
 * needs no bigint on either side; statements cast them to what the column is.
 */
import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

const arrayOf =
  <A>(element: number) =>
  (values: ReadonlyArray<A>): PgTypes.Parameter =>
    Result.getOrThrow(PgTypes.array(values, element))

export const float8s = arrayOf<number>(PgTypes.OID.float8)
export const int4s = arrayOf<number>(PgTypes.OID.int4)
export const texts = arrayOf<string>(PgTypes.OID.text)
export const byteas = arrayOf<Uint8Array>(PgTypes.OID.bytea)
export const float8 = PgTypes.float8
export const int4 = PgTypes.int4
