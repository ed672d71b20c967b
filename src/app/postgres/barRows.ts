/** Bars as columns for one statement, and rows as bars. */
import type { PgTypes } from "@effect/sql-pg"
import type { BaseInterval } from "../../actors/market/Feed.ts"
import type { ShardTerm } from "../../actors/market/ShardTerms.ts"
import type { Bar } from "../../rpc/market.ts"
import { PRICE_SCALE, toDollars } from "../../rpc/ticks.ts"
import type { Owners } from "./Fence.ts"
import { float8s, int4s, texts } from "./params.ts"

export interface Put {
  readonly owner: ShardTerm
  readonly symbol: string
  readonly interval: BaseInterval
  readonly bars: ReadonlyArray<Bar>
}

/** In seconds, as the table has it. */
export const secondsOf: { readonly [interval in BaseInterval]: number } = { "1s": 1, "1m": 60, "1d": 86_400 }

const toUnits = (dollars: number): number => Math.round(dollars * PRICE_SCALE)

/** What no column could hold; undefined when all can be stored. Asked per caller, so that one's bars fail nobody else's. */
export const unstorable = (bars: ReadonlyArray<Bar>): Bar | undefined =>
  bars.find(
    ({ close, high, low, open, revision, time, trades, volume }) =>
      !(
        [time, trades, revision, toUnits(open), toUnits(high), toUnits(low), toUnits(close)].every(
          Number.isSafeInteger
        ) &&
        Number.isFinite(volume) &&
        Math.abs(trades) < 2 ** 31 &&
        Math.abs(revision) < 2 ** 31
      )
  )

/** A statement may write a row once: the newest version of each bar in a batch. */
const newestVersions = (puts: ReadonlyArray<Put>): Iterable<readonly [Put, Bar]> => {
  const newest = new Map<string, readonly [Put, Bar]>()
  for (const put of puts) {
    for (const bar of put.bars) {
      const key = `${put.symbol} ${put.interval} ${bar.time}`
      const other = newest.get(key)
      if (other !== undefined) {
        const terms = put.owner.term - other[0].owner.term
        if (terms < 0 || (terms === 0 && bar.revision < other[1].revision)) continue
      }
      newest.set(key, [put, bar])
    }
  }
  return newest.values()
}

/** One parameter per column, in the order of BAR_COLUMNS. */
export const columnsOf = (puts: ReadonlyArray<Put>, owners: Owners): ReadonlyArray<PgTypes.Parameter> => {
  const owner: Array<number> = []
  const symbol: Array<string> = []
  const interval: Array<number> = []
  const time: Array<number> = []
  const open: Array<number> = []
  const high: Array<number> = []
  const low: Array<number> = []
  const close: Array<number> = []
  const volume: Array<number> = []
  const trades: Array<number> = []
  const revision: Array<number> = []
  for (const [put, bar] of newestVersions(puts)) {
    owner.push(owners.numberOf(put.owner))
    symbol.push(put.symbol)
    interval.push(secondsOf[put.interval])
    time.push(bar.time)
    open.push(toUnits(bar.open))
    high.push(toUnits(bar.high))
    low.push(toUnits(bar.low))
    close.push(toUnits(bar.close))
    volume.push(bar.volume)
    trades.push(bar.trades)
    revision.push(bar.revision)
  }
  return [
    int4s(owner),
    texts(symbol),
    int4s(interval),
    ...[time, open, high, low, close, volume].map(float8s),
    int4s(trades),
    int4s(revision)
  ]
}

export interface BarRow {
  readonly time: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly trades: number
  readonly revision: number
}

export const barOf = (row: BarRow): Bar => ({
  time: row.time,
  open: toDollars(row.open),
  high: toDollars(row.high),
  low: toDollars(row.low),
  close: toDollars(row.close),
  volume: row.volume,
  trades: row.trades,
  final: true,
  revision: row.revision
})
