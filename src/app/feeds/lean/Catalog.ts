/** What a Lean data folder holds: tick/SYMBOL/YYYYMMDD_{trade,quote}.zip, minute/…, daily/…, factor_files, map_files. */
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { FeedError } from "../../../actors/market/Feed.ts"
import { normaliseSymbol } from "../../../rpc/market.ts"

export interface RecordedDay {
  /** YYYYMMDD, as in the file names. */
  readonly stamp: string
  /** Upper case, in order. */
  readonly symbols: ReadonlyArray<string>
  /** Those that have quotes too. */
  readonly quoted: ReadonlySet<string>
}

export const refuse = (message: string): FeedError => new FeedError({ adapter: "replay", message })

/** Names in a folder, in order; none when there is no such folder. */
export const namesIn = (folder: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.tryPromise(() => readdir(folder)).pipe(
    Effect.map((names) => names.sort()),
    Effect.catch(() => Effect.succeed([]))
  )

const MANY = 12
const list = (words: ReadonlyArray<string>): string =>
  words.length <= MANY ? words.join(", ") : `${words.slice(0, MANY).join(", ")} and ${words.length - MANY} more`

const dashed = (stamp: string): string => `${stamp.slice(0, 4)}-${stamp.slice(4, 6)}-${stamp.slice(6)}`
const tradeFile = /^(\d{8})_trade\.zip$/

/** All recorded days of trades. Fails with one line that says where it looked. */
export const recordedDays = Effect.fnUntraced(function* (dataDir: string) {
  const folder = join(dataDir, "tick")
  const names = yield* namesIn(folder)
  const days = new Map<string, { symbols: Array<string>; quoted: Set<string> }>()
  for (const name of names) {
    const files = new Set(yield* namesIn(join(folder, name)))
    for (const file of files) {
      const stamp = tradeFile.exec(file)?.[1]
      if (stamp === undefined) continue
      const day = days.get(stamp) ?? { symbols: [], quoted: new Set() }
      days.set(stamp, day)
      day.symbols.push(name.toUpperCase())
      if (files.has(`${stamp}_quote.zip`)) day.quoted.add(name.toUpperCase())
    }
  }
  if (days.size === 0) {
    return yield* refuse(`no recorded trades in ${dataDir} (looked for tick/SYMBOL/YYYYMMDD_trade.zip)`)
  }
  return Array.from(days, ([stamp, day]): RecordedDay => ({ stamp, ...day })).sort((a, b) =>
    a.stamp < b.stamp ? -1 : 1
  )
})

/** The day asked for, with only the symbols asked for. */
export const recordedDay = Effect.fnUntraced(function* (
  dataDir: string,
  date: string | undefined,
  wanted: ReadonlyArray<string> | undefined
) {
  const days = yield* recordedDays(dataDir)
  const known = `recorded: ${list(days.map((day) => dashed(day.stamp)))}`
  if (date === undefined) return yield* refuse(`a replay needs a date; ${known}`)
  const day = days.find((one) => one.stamp === date.replaceAll("-", ""))
  if (day === undefined) return yield* refuse(`no trades of ${date} in ${join(dataDir, "tick")}; ${known}`)
  if (wanted === undefined || wanted.length === 0) return day
  const symbols = Array.from(new Set(wanted.map((symbol) => normaliseSymbol(symbol)))).sort()
  const missing = symbols.filter((symbol) => !day.symbols.includes(symbol))
  if (missing.length > 0) {
    return yield* refuse(`no trades of ${list(missing)} on ${date}; recorded that day: ${list(day.symbols)}`)
  }
  return { ...day, symbols }
})
