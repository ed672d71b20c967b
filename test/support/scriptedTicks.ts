/** A recording of so many symbols whose market time goes on with every batch, and a feed that publishes it. */
import { Effect } from "effect"
import type { FeedRun, TickPublisher } from "../../src/app/nats/ticks/TickPublisher.ts"
import type { Tick, TickBatch } from "../../src/rpc/ticks.ts"

export class ScriptedTicks implements FeedRun {
  readonly run: string
  readonly no: number
  readonly canWait: boolean
  readonly symbols: ReadonlyArray<string>
  /** All ticks said, per symbol: their times. */
  readonly said = new Map<string, Array<number>>()
  #time = 0
  #accepted = Number.NEGATIVE_INFINITY

  constructor(symbols: number, { canWait = true, no = 1, run = "replay:2013-10-07" } = {}) {
    this.symbols = Array.from({ length: symbols }, (_, n) => `S${n}`)
    this.canWait = canWait
    this.run = run
    this.no = no
  }

  readonly publishedUpTo = (): number => this.#accepted

  batch(symbol: string, ticks: number): TickBatch {
    const times = Array.from({ length: ticks }, () => ++this.#time)
    return { symbol, ingestTime: 1, previousClose: 1_000_000, ticks: times.map(trade) }
  }

  /** `rounds` batches of every symbol; like a feed it says how far it is once they are accepted. */
  readonly play = (publisher: TickPublisher["Service"], rounds: number, ticks = 6): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      for (let round = 0; round < rounds; round++) {
        for (const symbol of this.symbols) {
          const batch = this.batch(symbol, ticks)
          yield* publisher.publish(batch)
          const said = this.said.get(symbol) ?? []
          for (const { time } of batch.ticks) said.push(time)
          this.said.set(symbol, said)
        }
        this.#accepted = this.#time
      }
    })
}

const trade = (time: number): Tick => ({
  _tag: "Trade",
  id: time,
  time,
  price: 1_674_100 + (time % 100),
  size: 100,
  exchange: "P",
  conditions: 0
})
