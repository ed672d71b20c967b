/** The sources of market data, chosen by plain configuration. */
import { Effect, Layer } from "effect"
import type { Bus } from "../../actors/kernel/Bus.ts"
import { Feed, FeedError } from "../../actors/market/Feed.ts"
import { replayLayer } from "./lean/Replay.ts"
import { simulatedLayer } from "./simulated/Simulated.ts"

export interface FeedConfig {
  readonly feed: "simulated" | "replay"
  /** simulated: same seed, same ticks. */
  readonly seed?: number | undefined
  /** simulated: how many symbols; replay: which ones. */
  readonly symbols?: number | ReadonlyArray<string> | undefined
  /** simulated: multiplies the number of trades. */
  readonly rate?: number | undefined
  /** replay: folder of the recording, e.g. ../shared/data/market/lean. */
  readonly data?: string | undefined
  /** Trading day, YYYY-MM-DD. */
  readonly date?: string | undefined
  /** HH:MM or HH:MM:SS, New York. replay: at `speed` from here on, default 09:29:30; simulated: starts then. */
  readonly start?: string | undefined
  /** Market seconds per second; "max" = as fast as the bus takes them. */
  readonly speed?: number | "max" | undefined
}

const refuse = (adapter: string, message: string): Layer.Layer<Feed, FeedError> =>
  Layer.effect(Feed, Effect.fail(new FeedError({ adapter, message })))

export const feedLayer = (config: FeedConfig): Layer.Layer<Feed, FeedError, Bus> => {
  const { data, date, rate, seed, speed, start, symbols } = config
  if (config.feed === "simulated") {
    if (typeof symbols === "object")
      return refuse("simulated", "the simulated feed takes a number of symbols, not a list")
    return simulatedLayer({ seed, symbols, rate, speed, date, start })
  }
  if (data === undefined) {
    return refuse("replay", "the replay feed needs a data folder: the one that holds tick/SYMBOL/YYYYMMDD_trade.zip")
  }
  if (typeof symbols === "number")
    return refuse("replay", "the replay feed takes symbols by name, not a number of them")
  return replayLayer({ dataDir: data, date, speed, start, symbols })
}
