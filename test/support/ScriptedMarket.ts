/** A stock Effect RPC WebSocket server with the market's contract, whose every answer a test decides. Real sockets. */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { type Cause, Deferred, Effect, Layer, ManagedRuntime, Queue, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { CompanyDirectory } from "../../src/actors/companies/CompanyDirectory.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { CompanyRpcs } from "../../src/rpc/companies.ts"
import {
  type Bar,
  type BarsPage,
  type Conflation,
  type LimitExceeded,
  MarketRpcs,
  type MarketStatus,
  type Position,
  type Snapshot,
  UnknownSymbol,
  type Update,
  type WatchEvent,
  type Watching
} from "../../src/rpc/market.ts"
import { PublicRpcs } from "../../src/rpc/public.ts"
import { RPC_PATH } from "../../src/rpc/sessions.ts"
import { ScriptedCompanies } from "./scriptedCompanies.ts"
import { ScriptedInvestors } from "./scriptedInvestors.ts"

export interface WatchRequest {
  readonly watchId: string
  readonly symbols: ReadonlyArray<string>
  readonly conflation: Conflation
  readonly positions?: ReadonlyArray<Position>
}

/** A `market.Watch` that a client opened. */
export interface OpenedWatch {
  readonly request: WatchRequest
  readonly say: (...events: ReadonlyArray<WatchEvent>) => void
  readonly end: () => void
  /** Done when the client, or its connection, left. */
  readonly left: Deferred.Deferred<void>
}

export interface OpenedSet {
  readonly request: {
    readonly watchId: string
    readonly symbols: ReadonlyArray<string>
    readonly conflation?: Conflation
  }
  readonly answer: (result: Watching | LimitExceeded) => void
}

const quote = (symbol: string, epoch: number, seq: number) => ({
  symbol,
  epoch,
  seq,
  last: 100 + seq / 100,
  lastSize: 100,
  previousClose: 99.5,
  open: 100,
  high: 101.25,
  low: 98.75,
  volume: 1_000 * seq,
  trades: seq,
  bid: null,
  bidSize: 0,
  ask: 100.02,
  askSize: 300,
  session: "regular" as const,
  halted: false,
  exchangeTime: 1_700_000_000_000 + seq,
  ingestTime: 1_700_000_000_001 + seq,
  sentTime: 1_700_000_000_002 + seq
})

export const snapshot = (symbol: string, epoch: number, seq: number): Snapshot => ({
  _tag: "Snapshot",
  ...quote(symbol, epoch, seq),
  folded: 0,
  label: "SIMULATED"
})
export const update = (symbol: string, epoch: number, seq: number, folded = 0): Update => ({
  _tag: "Update",
  ...quote(symbol, epoch, seq),
  folded
})
export const watching = (accepted: ReadonlyArray<string>, recovered: boolean | null = null): Watching => ({
  _tag: "Watching",
  accepted,
  refused: [],
  recovered,
  serverEpoch: 1
})
export const bar = (time: number): Bar => ({
  time,
  open: 10,
  high: 11,
  low: 9,
  close: 10.5,
  volume: 100,
  trades: 3,
  final: true,
  revision: 0
})

const status: MarketStatus = {
  server: { version: "test", node: "test", startedAt: 1, now: 2, state: "ready" },
  feed: {
    label: "SIMULATED",
    adapter: "scripted",
    state: "live",
    detail: "",
    marketTime: 1,
    speed: 1,
    symbols: 3,
    ticks: 0,
    malformed: 0
  },
  session: {
    phase: "regular",
    date: "2023-11-14",
    earlyClose: false,
    holiday: null,
    nextChange: 3,
    nextPhase: "post"
  },
  counts: { sessions: 1, watchedSymbols: 0, subscriptions: 0, tickerActors: 0 },
  limits: { symbolsPerSession: 100, watchesPerSession: 10, messageBytes: 65_536 }
}

export class ScriptedMarket {
  readonly watches = Effect.runSync(Queue.unbounded<OpenedWatch>())
  readonly sets = Effect.runSync(Queue.unbounded<OpenedSet>())
  readonly companies = new ScriptedCompanies()
  readonly investors = new ScriptedInvestors()
  /** Calls of Quote and Bars, answered or hanging. */
  readonly calls: Array<string> = []
  /** Bars in pages, oldest page last. */
  pages: ReadonlyArray<ReadonlyArray<Bar>> = [[]]
  /** Pages of bars wait for it. */
  pagesReady = Effect.runSync(Deferred.make<void>())
  liveBars: ReadonlyArray<Bar> = []
  listed: ReadonlyArray<string> = ["AAPL", "IBM", "MSFT"]
  /** Calls of `Quote` never answer while this is set. */
  mute = false
  private runtime: ManagedRuntime.ManagedRuntime<HttpServer.HttpServer, unknown> | undefined
  port = 0

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  constructor() {
    Deferred.doneUnsafe(this.pagesReady, Effect.void)
  }

  async start(): Promise<void> {
    const protocol = Layer.effect(
      RpcServer.Protocol,
      // like ours, it does not wait for acknowledgements
      Effect.map(RpcServer.makeProtocolWebsocket({ path: RPC_PATH }), (stock) => ({ ...stock, supportsAck: false }))
    )
    const rpc = RpcServer.layer(PublicRpcs, { disableTracing: true }).pipe(
      Layer.provide(this.handlers()),
      Layer.provide(protocol),
      Layer.provide(RpcSerialization.layerNdjson)
    )
    this.runtime = ManagedRuntime.make(
      HttpRouter.serve(rpc, { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provideMerge(
          NodeHttpServer.layer(createServer, {
            port: this.port,
            host: "127.0.0.1",
            gracefulShutdownTimeout: "1 millis"
          })
        )
      )
    )
    const { address } = await this.runtime.runPromise(HttpServer.HttpServer)
    if ("port" in address) this.port = address.port
  }

  /** Every socket and handler goes with it; `start` comes back on the same port. */
  async stop(): Promise<void> {
    await this.runtime?.dispose()
    this.runtime = undefined
  }

  private handlers() {
    const market = MarketRpcs.toLayer({
      "market.Watch": (request) =>
        Stream.unwrap(
          Effect.gen({ self: this }, function* () {
            const events = yield* Queue.unbounded<WatchEvent, Cause.Done>()
            const left = yield* Deferred.make<void>()
            yield* Effect.addFinalizer(() => Deferred.succeed(left, undefined))
            Queue.offerUnsafe(this.watches, {
              request,
              say: (...said) => {
                Queue.offerAllUnsafe(events, said)
              },
              end: () => {
                Queue.endUnsafe(events)
              },
              left
            })
            return Stream.fromQueue(events)
          })
        ),
      "market.SetWatched": (request) =>
        Effect.callback<Watching, LimitExceeded>((resume) => {
          Queue.offerUnsafe(this.sets, {
            request,
            answer: (result) => resume(result._tag === "Watching" ? Effect.succeed(result) : Effect.fail(result))
          })
        }),
      "market.Quote": ({ symbol }) =>
        Effect.suspend(() => {
          this.calls.push(`Quote ${symbol}`)
          if (this.mute) return Effect.never
          return this.listed.includes(symbol)
            ? Effect.succeed(snapshot(symbol, 1, 7))
            : Effect.fail(new UnknownSymbol({ symbol, message: "not listed" }))
        }),
      "market.Bars": ({ symbol, interval, from, before }) =>
        Effect.suspend(() => {
          this.calls.push(`Bars ${symbol} ${interval} from ${from} before ${before}`)
          const index = before === undefined ? 0 : this.pages.findIndex((page) => page[0]?.time === before) + 1
          const bars = this.pages[index] ?? []
          const page: BarsPage = {
            symbol,
            interval,
            bars: bars.filter(({ time }) => time >= (from ?? time)),
            before: index + 1 < this.pages.length ? (bars[0]?.time ?? null) : null,
            label: "SIMULATED"
          }
          return Effect.as(Deferred.await(this.pagesReady), page)
        }),
      "market.WatchBars": ({ symbol }) =>
        this.listed.includes(symbol)
          ? Stream.concat(Stream.fromIterable(this.liveBars), Stream.never)
          : Stream.fail(new UnknownSymbol({ symbol, message: "not listed" })),
      "market.Listings": ({ after }) =>
        Effect.sync(() => {
          // one a page
          const at = after === undefined ? 0 : this.listed.indexOf(after) + 1
          const symbol = this.listed[at] ?? ""
          return {
            listings: [{ symbol, name: `${symbol} Inc.`, exchange: "NYSE", sector: "Test" }],
            after: at + 1 < this.listed.length ? symbol : null
          }
        }),
      "market.Status": () => Effect.succeed(status)
    })
    const companies = Layer.provide(
      CompanyRpcs.toLayer(this.companies.handlers),
      Layer.provide(CompanyDirectory.layer, Gauges.layer)
    )
    return Layer.mergeAll(market, companies, this.investors.layer())
  }
}
