/** Ticker actors that do what a test says, on the real bus: state, sequence, crash. */
import { Effect, Layer } from "effect"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { SymbolDirectory, Tickers } from "../../src/actors/sessions/Tickers.ts"
import { Unavailable } from "../../src/rpc/market.ts"
import type { TickerSnapshot } from "../../src/rpc/ticker.ts"
import { quotesTopic } from "../../src/rpc/topics.ts"
import { encodeQuoteBody } from "../../src/rpc/wire.ts"

interface State {
  epoch: number
  seq: number
}

const unavailable = (what: string) => new Unavailable({ what, retryAfterMillis: 100, message: "scripted" })

export class ScriptedTickers {
  private readonly states = new Map<string, State>()
  readonly symbols: ReadonlyArray<string>
  /** Bodies encoded, by symbol. */
  encodings = 0
  /** When the newest tick came, in every state from here on. */
  ingestTime = 2_000
  private readonly holders = new Map<string, Set<() => void>>()
  /** Symbols whose actor cannot be reached. */
  private readonly away = new Set<string>()
  /** The next snapshot call dies of a defect. */
  defects = 0
  /** A snapshot takes this long; what it says is what holds at its end. */
  slowMillis = 0

  constructor(symbols: ReadonlyArray<string>) {
    this.symbols = symbols
    for (const symbol of symbols) this.states.set(symbol, { epoch: 1, seq: 1 })
  }

  /** Price of a symbol: tells epoch and seq apart, so a stale value shows. */
  position(symbol: string): { readonly epoch: number; readonly seq: number } {
    return { ...this.state(symbol) }
  }

  /** From here on it stands there; nobody is told. */
  reach(symbol: string, position: { readonly epoch: number; readonly seq: number }): void {
    this.states.set(symbol, { ...position })
  }

  snapshot(symbol: string): TickerSnapshot {
    return this.encode(symbol, this.state(symbol))
  }

  private encode(symbol: string, { epoch, seq }: State): TickerSnapshot {
    this.encodings++
    const body = encodeQuoteBody({
      symbol,
      epoch,
      seq,
      last: (epoch * 1_000 + seq) * 10_000,
      lastSize: 100,
      previousClose: 1_000_000,
      open: 1_000_000,
      high: 2_000_000,
      low: 500_000,
      volume: seq * 100,
      trades: seq,
      bid: 990_000,
      bidSize: 100,
      ask: 1_010_000,
      askSize: 100,
      session: "regular",
      halted: false,
      exchangeTime: 1_000,
      ingestTime: this.ingestTime
    })
    return { symbol, epoch, seq, exchangeTime: 1_000, ingestTime: this.ingestTime, body }
  }

  /** `ticks` more, published as one update. */
  tick(symbol: string, ticks: number): Effect.Effect<void, never, Bus> {
    return Effect.gen({ self: this }, function* () {
      const bus = yield* Bus
      this.state(symbol).seq += ticks
      if (bus.hasSubscribers(quotesTopic(symbol))) yield* bus.publish(quotesTopic(symbol), this.snapshot(symbol))
    })
  }

  /** The bus delivers an update again, or one that was overtaken: `back` ticks behind the present. */
  repeat(symbol: string, back: number): Effect.Effect<void, never, Bus> {
    return Effect.gen({ self: this }, function* () {
      const bus = yield* Bus
      const { epoch, seq } = this.state(symbol)
      yield* bus.publish(quotesTopic(symbol), this.encode(symbol, { epoch, seq: Math.max(1, seq - back) }))
    })
  }

  /** Its owner goes; `back` brings the next one. */
  lose(symbol: string): void {
    this.away.add(symbol)
    for (const leave of Array.from(this.holders.get(symbol) ?? [])) leave()
  }

  back(symbol: string): void {
    this.away.delete(symbol)
  }

  /** Starts anew, and says so. */
  crash(symbol: string): Effect.Effect<void, never, Bus> {
    return Effect.suspend(() => {
      const state = this.state(symbol)
      state.epoch++
      state.seq = 0
      return this.tick(symbol, 1)
    })
  }

  get layer(): Layer.Layer<SymbolDirectory | Tickers> {
    return Layer.mergeAll(
      Layer.succeed(Tickers, {
        snapshot: (symbol) =>
          Effect.andThen(
            Effect.suspend(() => (this.slowMillis === 0 ? Effect.yieldNow : Effect.sleep(this.slowMillis))),
            Effect.suspend(() => {
              if (this.defects > 0) {
                this.defects--
                return Effect.die(new Error("scripted"))
              }
              return this.away.has(symbol) ? Effect.fail(unavailable(symbol)) : Effect.succeed(this.snapshot(symbol))
            })
          ),
        hold: (symbol) =>
          Effect.callback((resume) => {
            const holders = this.holders.get(symbol) ?? new Set()
            this.holders.set(symbol, holders)
            const leave = () => {
              holders.delete(leave)
              resume(Effect.fail(unavailable(symbol)))
            }
            holders.add(leave)
            return Effect.sync(() => holders.delete(leave))
          })
      }),
      Layer.succeed(SymbolDirectory, { has: (symbol) => this.states.has(symbol), label: "SIMULATED" })
    )
  }

  private state(symbol: string): State {
    const state = this.states.get(symbol)
    if (state === undefined) throw new Error(`not scripted: ${symbol}`)
    return state
  }
}
