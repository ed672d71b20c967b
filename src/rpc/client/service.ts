/** The Effect face: the same client as `connect`, as Effects, Streams and a Layer. */
import { Clock, Context, Deferred, Effect, Layer, Option, Queue, type Scope, Stream } from "effect"
import { RpcClient } from "effect/rpc"
import { type NotAllowed, NotSignedIn } from "../access.ts"
import {
  type BrowsePage,
  type CompanyFilter,
  type CompanyProfile,
  type Facets,
  type ImportedListing,
  type ImportResult,
  MAX_QUERY_LENGTH,
  type SearchPage,
  type SyncStatus
} from "../companies.ts"
import {
  type Bar,
  type BarsPage,
  type InvalidRequest,
  type LimitExceeded,
  type Listing,
  type MarketStatus,
  normaliseSymbol,
  type Snapshot,
  type Unavailable,
  type UnknownSymbol
} from "../market.ts"
import { PublicRpcs } from "../public.ts"
import { type AccountCalls, keepTicket, makeAccount } from "./account.ts"
import { makeAuthentication } from "./authentication.ts"
import { barsPayload, olderQuery } from "./bars.ts"
import { DEFAULT_TIMEOUT_MILLIS, makeCalls } from "./calls.ts"
import { makeConnection } from "./connection.ts"
import { type CallError, Closed, type ConnectFailed, connectFailed } from "./errors.ts"
import { makeProtocol } from "./protocol.ts"
import { resolveMakeWebSocket, resolveUrl } from "./socket.ts"
import { type BarsError, streamBars, streamWatch, type WatchHandle } from "./streams.ts"
import type {
  BarsQuery,
  BarsSubject,
  BrowseQuery,
  ClientEvent,
  ConnectionState,
  ConnectOptions,
  SearchQuery,
  WatchOptions
} from "./types.ts"
import type { Session, SetError } from "./watching.ts"

const LISTINGS_PAGE = 1_000
type ListingsPage = { readonly listings: ReadonlyArray<Listing>; readonly after: string | null }

const opened = ({ connection }: Session): Effect.Effect<void, ConnectFailed | Closed | NotSignedIn> =>
  Effect.callback((resume) => {
    const judge = (state: ConnectionState) => {
      if (state.status === "connecting") return
      if (state.status === "open") return resume(Effect.void)
      resume(
        Effect.fail(
          state.status === "closed"
            ? new Closed({ message: state.reason })
            : state.status === "signed-out"
              ? new NotSignedIn({ message: state.reason })
              : connectFailed(connection.url, state)
        )
      )
    }
    const stop = connection.onState(judge)
    judge(connection.state())
    return Effect.sync(stop)
  })

export class LZStockClient extends Context.Service<
  LZStockClient,
  {
    readonly session: Session
    readonly url: string
    readonly state: Effect.Effect<ConnectionState>
    /** The present state, then every change. */
    readonly states: Stream.Stream<ConnectionState>
    /** When anything was last received, ms since epoch; null before the first byte. */
    readonly lastReceived: Effect.Effect<number | null>
    /** Completes when the connection is open; fails when the first attempt failed (the client goes on trying). */
    readonly opened: Effect.Effect<void, ConnectFailed | Closed | NotSignedIn>
    readonly watch: (options: WatchOptions) => Stream.Stream<ClientEvent, SetError>
    readonly openWatch: (options: WatchOptions) => Effect.Effect<WatchHandle, never, Scope.Scope>
    readonly quote: (symbol: string) => Effect.Effect<Snapshot, UnknownSymbol | Unavailable | CallError>
    readonly bars: (
      query: BarsQuery
    ) => Effect.Effect<BarsPage, UnknownSymbol | InvalidRequest | LimitExceeded | Unavailable | CallError>
    /** Pages, newest first. */
    readonly allBars: (
      query: BarsQuery
    ) => Stream.Stream<BarsPage, UnknownSymbol | InvalidRequest | LimitExceeded | Unavailable | CallError>
    readonly watchBars: (subject: BarsSubject) => Stream.Stream<Bar, BarsError>
    readonly search: (query: SearchQuery) => Effect.Effect<SearchPage, Unavailable | CallError>
    readonly company: (symbol: string) => Effect.Effect<CompanyProfile, UnknownSymbol | Unavailable | CallError>
    readonly facets: (filter: CompanyFilter) => Effect.Effect<Facets, Unavailable | CallError>
    readonly browse: (query: BrowseQuery) => Effect.Effect<BrowsePage, InvalidRequest | Unavailable | CallError>
    readonly syncStatus: Effect.Effect<SyncStatus, Unavailable | CallError>
    /** `operator`: what shows that an operator asks (LZSTOCK_OPERATOR_TOKEN). */
    readonly syncCompanies: (operator: string) => Effect.Effect<SyncStatus, NotAllowed | Unavailable | CallError>
    readonly importCompanies: (
      operator: string,
      listings: ReadonlyArray<ImportedListing>
    ) => Effect.Effect<ImportResult, NotAllowed | InvalidRequest | Unavailable | CallError>
    readonly listings: Effect.Effect<Array<Listing>, CallError>
    readonly status: Effect.Effect<MarketStatus, CallError>
    readonly account: AccountCalls
  }
>()("lzstock/client/LZStockClient") {
  /** Connects in the background, for as long as the scope is open. Fails at once only on a bad URL or without WebSocket. */
  static readonly make = (
    options: ConnectOptions
  ): Effect.Effect<LZStockClient["Service"], ConnectFailed, Scope.Scope> =>
    Effect.gen(function* () {
      const url = yield* resolveUrl(options.url)
      const makeWebSocket = yield* resolveMakeWebSocket(url, options.makeWebSocket)
      const clock = yield* Clock.Clock
      const { token } = options
      const authentication =
        token === undefined ? undefined : makeAuthentication(token, () => clock.currentTimeMillisUnsafe())
      const { protocol, connection } = yield* makeProtocol((conversation) =>
        makeConnection({ url, makeWebSocket, conversation, authentication })
      )
      const rpcs = yield* RpcClient.make(PublicRpcs, { disableTracing: true }).pipe(
        Effect.provideService(RpcClient.Protocol, protocol)
      )
      const calls = makeCalls(connection, options.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS)
      yield* Effect.addFinalizer(() => Deferred.fail(calls.closed, new Closed({ message: "the client was closed" })))
      yield* connection.awaitSignedOut.pipe(
        Effect.flatMap((message) => Deferred.fail(calls.closed, new NotSignedIn({ message }))),
        Effect.forkScoped
      )
      const session: Session = { connection, calls, rpcs }
      if (authentication !== undefined) yield* Effect.forkScoped(keepTicket(session, authentication))

      const bars = (query: BarsQuery) => calls.call("market.Bars", () => rpcs["market.Bars"](barsPayload(query)))

      return LZStockClient.of({
        session,
        url,
        state: Effect.sync(connection.state),
        states: Stream.callback<ConnectionState>(
          (queue) =>
            Effect.gen(function* () {
              const stop = connection.onState((state) => Queue.offerUnsafe(queue, state))
              Queue.offerUnsafe(queue, connection.state())
              yield* Effect.addFinalizer(() => Effect.sync(stop))
              return yield* Effect.never
            }),
          { bufferSize: 1, strategy: "sliding" }
        ),
        lastReceived: Effect.sync(connection.lastReceived),
        opened: opened(session),
        watch: (watchOptions) =>
          Stream.unwrap(Effect.map(streamWatch(session, watchOptions), (handle) => handle.events)),
        openWatch: (watchOptions) => streamWatch(session, watchOptions),
        quote: (symbol) => calls.call("market.Quote", () => rpcs["market.Quote"]({ symbol: normaliseSymbol(symbol) })),
        bars,
        allBars: (query) =>
          Stream.paginate(query, (next) =>
            Effect.map(bars(next), (page) => [[page], Option.fromNullishOr(olderQuery(next, page))] as const)
          ),
        watchBars: (subject) => streamBars(session, subject),
        search: (query) =>
          calls.call("companies.Search", () =>
            rpcs["companies.Search"]({ ...query, text: query.text.slice(0, MAX_QUERY_LENGTH) })
          ),
        company: (symbol) =>
          calls.call("companies.Company", () => rpcs["companies.Company"]({ symbol: normaliseSymbol(symbol) })),
        facets: (filter) => calls.call("companies.Facets", () => rpcs["companies.Facets"](filter)),
        browse: (query) => calls.call("companies.Browse", () => rpcs["companies.Browse"](query)),
        syncStatus: calls.call<SyncStatus, Unavailable>("companies.SyncStatus", () => rpcs["companies.SyncStatus"]()),
        syncCompanies: (operator) => calls.call("companies.Sync", () => rpcs["companies.Sync"]({ operator })),
        importCompanies: (operator, listings) =>
          calls.call("companies.Import", () => rpcs["companies.Import"]({ operator, listings })),
        listings: Effect.gen(function* () {
          const listings: Array<Listing> = []
          let after: string | null = null
          do {
            const page: ListingsPage = yield* calls.call<ListingsPage, never>("market.Listings", () =>
              rpcs["market.Listings"]({ limit: LISTINGS_PAGE, ...(after === null ? {} : { after }) })
            )
            for (const listing of page.listings) listings.push(listing)
            after = page.after
          } while (after !== null)
          return listings
        }),
        status: calls.call<MarketStatus, never>("market.Status", () => rpcs["market.Status"]()),
        account: makeAccount(session)
      })
    })

  static readonly layer = (options: ConnectOptions): Layer.Layer<LZStockClient, ConnectFailed> =>
    Layer.effect(LZStockClient, LZStockClient.make(options))
}
