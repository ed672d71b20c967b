/** The sources of market data, chosen by plain configuration. */
import { Effect, Layer } from "effect"
import type { Bus } from "../../actors/kernel/Bus.ts"
import { type Feed, FeedError } from "../../actors/market/Feed.ts"
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
  /** Market seconds per second; "max" = as fast as the bus takes them. */
  readonly speed?: number | "max" | undefined
}

export const feedLayer = (config: FeedConfig): Layer.Layer<Feed, FeedError, Bus> => {
  const { date, rate, seed, speed, symbols } = config
  if (config.feed === "simulated") {
    if (typeof symbols === "object") {
      const message = "the simulated feed takes a number of symbols, not a list"
      return Layer.unwrap(Effect.fail(new FeedError({ adapter: "simulated", message })))
    }
    return simulatedLayer({ seed, symbols, rate, speed, date })
  }
  if (config.data === undefined || typeof symbols === "number") {
    const message = "the replay feed needs a data folder, and takes symbols by name"
    return Layer.unwrap(Effect.fail(new FeedError({ adapter: "replay", message })))
  }
  return replayLayer({ dataDir: config.data, date, speed, symbols })
}
