/**
 * Bars → what the chart draws. The chart's time is New York wall time written as if it were UTC (`newYorkWall`), so its
 * axis is New York's in every browser. Closed time is left out but leaves a visible gap; a quiet minute is a hole, not a
 * flat candle that never traded. Pure.
 */
import type { Bar, Interval } from "../../../src/rpc/market.ts"
import { newYorkWall } from "../format/time.ts"
import { intervalMillis, isDaily } from "./ranges.ts"

/** A place on the axis: a bar, or null where nothing traded. `wall` is New York wall time, ms. */
export interface Slot {
  readonly wall: number
  readonly bar: Bar | null
}

/** Empty slots drawn between two trading days. */
const DAY_GAP = 3
/** A pause longer than this is closed time, not a quiet spell. */
const CLOSED_AFTER = 4 * 3_600_000
/** Quiet symbols in 1 s bars would be nearly all holes: past this many, the hole is drawn short. */
const LONGEST_HOLE = 120

/** Oldest first, one slot per drawn place; `bars` oldest first, no repeats. */
export const slotsOf = (bars: ReadonlyArray<Bar>, interval: Interval): ReadonlyArray<Slot> => {
  const slots: Array<Slot> = []
  const step = intervalMillis(interval)
  let previous: number | null = null
  for (const bar of bars) {
    const wall = newYorkWall(bar.time)
    if (previous !== null && wall <= previous) continue
    if (previous !== null && !isDaily(interval)) {
      const missing = Math.round((wall - previous) / step) - 1
      const closed =
        wall - previous > CLOSED_AFTER || Math.floor(wall / 86_400_000) !== Math.floor(previous / 86_400_000)
      const holes = Math.min(missing, closed ? DAY_GAP : LONGEST_HOLE)
      for (let i = 1; i <= holes; i++) slots.push({ wall: previous + i * step, bar: null })
    }
    slots.push({ wall, bar })
    previous = wall
  }
  return slots
}

/**
 * Bars kept oldest first, one per start time. Newer knowledge replaces older: a higher revision, or the same bar later.
 * `incoming` need not be sorted. Returns a new array.
 */
export const mergeBars = (known: ReadonlyArray<Bar>, incoming: ReadonlyArray<Bar>): Array<Bar> => {
  const byTime = new Map<number, Bar>()
  for (const bar of known) byTime.set(bar.time, bar)
  for (const bar of incoming) {
    const old = byTime.get(bar.time)
    if (old === undefined || isNewer(bar, old)) byTime.set(bar.time, bar)
  }
  return [...byTime.values()].sort((a, b) => a.time - b.time)
}

/**
 * Puts bars as the live stream tells them into `known`: each counts whatever was known, also when it is the smaller one, as
 * after a server that started anew. `incoming`: oldest first, one per start time. The work is that of the bars from the
 * oldest incoming one on. Returns by how many the revised bars grew.
 */
export const putLive = (known: Array<Bar>, incoming: ReadonlyArray<Bar>): number => {
  const first = incoming[0]
  if (first === undefined) return 0
  let from = known.length
  for (let old = known[from - 1]; old !== undefined && old.time >= first.time; old = known[from - 1]) from -= 1
  const replaced = known.splice(from)
  const told = new Set(incoming.map((bar) => bar.time))
  const kept = replaced.filter((bar) => !told.has(bar.time))
  const tail = kept.length === 0 ? incoming : [...kept, ...incoming].sort((a, b) => a.time - b.time)
  for (const bar of tail) known.push(bar)
  return countRevised(tail) - countRevised(replaced)
}

/** A page asked for before a live bar arrived may hold an older state of it. */
const isNewer = (candidate: Bar, old: Bar): boolean =>
  candidate.revision !== old.revision
    ? candidate.revision > old.revision
    : old.final
      ? candidate.final
      : candidate.final || candidate.trades >= old.trades

export const isRevised = (bar: Bar): boolean => bar.revision > 0

export const countRevised = (bars: ReadonlyArray<Bar>): number =>
  bars.reduce((count, bar) => count + (isRevised(bar) ? 1 : 0), 0)
