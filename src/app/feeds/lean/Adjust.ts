/**
 * Splits and renames, so that all bars of a symbol stand on one basis: that of the replayed day.
 *
 * factor_files/ENTITY.csv: `last day, price factor, split factor, reference price`: the factor holds up to and including
 * that day. A price of day d on the basis of day b is price × split(d) / split(b), its volume the inverse. Dividends are
 * left alone: charts show what was paid.
 * map_files/ENTITY.csv: `last day, ticker, exchange`: the entity went by that ticker up to and including that day.
 */
import { readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { Effect } from "effect"
import { namesIn } from "./Catalog.ts"

const FAR_FUTURE = "99991231"

/** An entity's ticker for a span of days, both ends included (YYYYMMDD). */
export interface Named {
  readonly ticker: string
  readonly from: string
  readonly to: string
}

export interface Adjustment {
  /** The names the company went by, oldest first, up to the replayed day. */
  readonly names: ReadonlyArray<Named>
  /** By what a price of that day (YYYYMMDD) is multiplied, and its volume divided. */
  readonly splitOn: (stamp: string) => number
}

const linesOf = (path: string): Effect.Effect<ReadonlyArray<ReadonlyArray<string>> | undefined> =>
  Effect.tryPromise(() => readFile(path, "utf8")).pipe(
    Effect.map((text) =>
      text
        .split(/\r?\n/)
        .filter((line) => line !== "")
        .map((line) => line.split(","))
    ),
    Effect.catch(() => Effect.succeed(undefined))
  )

const namesOf = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<Named> => {
  const names: Array<Named> = []
  let from = "00000000"
  for (const [to = "", ticker = ""] of rows) {
    names.push({ ticker: ticker.toUpperCase(), from, to })
    // the day after, as text: "20140402" < "20140402~" < "20140403"
    from = `${to}~`
  }
  return names
}

const covering = (names: ReadonlyArray<Named>, stamp: string): Named | undefined =>
  names.find((name) => stamp >= name.from && stamp <= name.to)

/** Which entity went by `symbol` on that day. Most of the time the file of the same name says so. */
const entityOf = Effect.fnUntraced(function* (dataDir: string, symbol: string, stamp: string) {
  const folder = join(dataDir, "map_files")
  const own = `${symbol.toLowerCase()}.csv`
  const others = yield* namesIn(folder)
  for (const file of [own, ...others.filter((name) => name !== own)]) {
    const rows = yield* linesOf(join(folder, file))
    if (rows === undefined) continue
    const names = namesOf(rows)
    if (covering(names, stamp)?.ticker === symbol) return { entity: basename(file, ".csv"), names }
  }
  return { entity: symbol.toLowerCase(), names: [{ ticker: symbol, from: "00000000", to: FAR_FUTURE }] }
})

export const adjustmentOf = Effect.fnUntraced(function* (dataDir: string, symbol: string, stamp: string) {
  const { entity, names } = yield* entityOf(dataDir, symbol, stamp)
  const rows = (yield* linesOf(join(dataDir, "factor_files", `${entity}.csv`))) ?? []
  const factors = rows
    .map(([day = "", , split]) => ({ day, split: Number(split) }))
    .filter((row) => row.split > 0)
    .sort((a, b) => (a.day < b.day ? -1 : 1))
  const split = (day: string): number => factors.find((row) => row.day >= day)?.split ?? 1
  const basis = split(stamp)
  const adjustment: Adjustment = {
    names: names.filter((name) => name.from <= stamp),
    splitOn: (day) => split(day) / basis
  }
  return adjustment
})
