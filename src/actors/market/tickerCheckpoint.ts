/** A ticker's state as JSON, for keeping outside the process, and back. */
import type { BarTrack } from "./barTrack.ts"
import { TradeLog, type TradeLogData } from "./TradeLog.ts"
import type { TickerState } from "./tickerState.ts"

/** A state as plain JSON: numbers, strings, booleans. */
export type TickerCheckpoint = Omit<TickerState, "log" | "second" | "minute"> & {
  readonly version: 1
  readonly keptTrades: number
  readonly log: TradeLogData
  readonly second: TrackData
  readonly minute: TrackData
}

type TrackData = Omit<BarTrack, "revisions"> & { readonly revisions: ReadonlyArray<readonly [number, number]> }

const trackData = (track: BarTrack): TrackData => ({
  ...track,
  bar: { ...track.bar },
  revisions: track.revisions === null ? [] : Array.from(track.revisions)
})

const trackOf = (data: TrackData): BarTrack => ({
  ...data,
  bar: { ...data.bar },
  revisions: data.revisions.length === 0 ? null : new Map(data.revisions)
})

/** All of it, so that folding goes on exactly after `restore`: 40 bytes a kept trade, and a kilobyte. */
export const checkpoint = (state: TickerState): TickerCheckpoint => ({
  ...state,
  version: 1,
  keptTrades: state.log.limit,
  log: state.log.toData(),
  second: trackData(state.second),
  minute: trackData(state.minute),
  day: { ...state.day },
  dropped: { ...state.dropped },
  counts: { ...state.counts }
})

/** The state a checkpoint describes; the checkpoint is not shared. */
export const restore = (data: TickerCheckpoint): TickerState => {
  const { version: _version, keptTrades, ...rest } = data
  return {
    ...rest,
    log: TradeLog.fromData(data.log, keptTrades),
    second: trackOf(data.second),
    minute: trackOf(data.minute),
    day: { ...data.day },
    dropped: { ...data.dropped },
    counts: { ...data.counts }
  }
}
