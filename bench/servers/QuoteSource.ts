/**
 * Where a bench server's updates come from: every symbol in turn, evenly spaced, by intended times. A server that is late
 * does not slow its source down; it finds several updates due, and the lateness counts as latency.
 */
import type { QuoteState } from "../../src/rpc/wire.ts"
import { microsNow } from "../support/clock.ts"
import { randomOf, symbolsOf } from "../support/topology.ts"

type Changing = { -readonly [K in keyof QuoteState]: QuoteState[K] }

export class QuoteSource {
  readonly states: ReadonlyArray<QuoteState>
  private readonly changing: ReadonlyArray<Changing>
  private readonly random = randomOf(7)
  private readonly publish: (index: number, state: QuoteState) => void
  private timer: NodeJS.Timeout | undefined

  constructor(symbols: number, publish: (index: number, state: QuoteState) => void) {
    const epoch = Date.now()
    this.publish = publish
    this.changing = symbolsOf(symbols).map((symbol, index) => ({
      symbol,
      epoch,
      seq: 1,
      last: 1_000_000 + index * 137,
      lastSize: 100,
      previousClose: 990_000 + index * 137,
      open: 995_000 + index * 137,
      high: 1_010_000 + index * 137,
      low: 985_000 + index * 137,
      volume: 0,
      trades: 12_345,
      bid: 999_900 + index * 137,
      bidSize: 300,
      ask: 1_000_100 + index * 137,
      askSize: 200,
      session: "regular",
      halted: false,
      exchangeTime: epoch,
      ingestTime: epoch
    }))
    this.states = this.changing
  }

  /** `perSecond` updates in all. */
  start(perSecond: number): void {
    const gap = 1_000_000 / perSecond
    let due = microsNow()
    let index = 0
    const turn = () => {
      const now = microsNow()
      for (; due <= now; due += gap) {
        const state = this.changing[index]
        if (state !== undefined) this.move(state, due)
        if (state !== undefined) this.publish(index, state)
        index = (index + 1) % this.changing.length
      }
      this.timer = setTimeout(turn, 1)
    }
    turn()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private move(state: Changing, dueMicros: number): void {
    const now = Date.now()
    state.seq++
    state.trades++
    state.last += Math.floor(this.random() * 200) - 100
    state.lastSize = 100 + Math.floor(this.random() * 900)
    state.bid = state.last - 100
    state.ask = state.last + 100
    // the intended send time travels as the volume: an integer that every layer carries unchanged
    state.volume = Math.floor(dueMicros)
    state.exchangeTime = now
    state.ingestTime = now
  }
}
