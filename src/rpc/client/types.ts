/** The shapes a user of `lzstock/client` sees. Times are ms since epoch, prices dollars, as in market.ts. */
import type { Forbidden, NotSignedIn } from "../access.ts"
import type { BrowseOrder, BrowsePage, CompanyFilter, CompanyProfile, Facets, SearchPage } from "../companies.ts"
import type { AccountExport, AccountFacts, ApiToken, AuditEvent, Me, SecurityEvent, SignIn } from "../investors.ts"
import type {
  Bar,
  BarsPage,
  Conflating,
  Conflation,
  Draining,
  Gap,
  Interval,
  LimitExceeded,
  Listing,
  Liveness,
  MarketStatus,
  Position,
  Snapshot,
  Unavailable,
  Update,
  WatchIdConflict,
  Watching
} from "../market.ts"
import type { InvalidArguments, ServerFailed } from "./errors.ts"
import type { MakeWebSocket } from "./socket.ts"

// ---- events of a watch -------------------------------------------------------------------------------------------

/** The connection is gone; values are frozen until `Resumed`. `code` is the WebSocket close code, if there was one. */
export interface Disconnected {
  readonly _tag: "Disconnected"
  readonly reason: string
  readonly code: number | null
}

/** A stretch of one symbol that this watch never delivered. */
export interface Missed {
  readonly symbol: string
  /** The last state delivered before the disconnect. */
  readonly from: { readonly epoch: number; readonly seq: number }
  /** The first state delivered after it. */
  readonly to: { readonly epoch: number; readonly seq: number }
  /** How many updates lie strictly between the two; null = unknown, because the ticker or its server started anew. */
  readonly updates: number | null
}

/**
 * Watched again after a `Disconnected`. Comes after the snapshots that mend it, or a little after `Watching` when some of
 * them take longer: values are current but for those of `awaiting`.
 */
export interface Resumed {
  readonly _tag: "Resumed"
  readonly downMillis: number
  /** Whether the server continued from every position held; false = from fresh snapshots. */
  readonly recovered: boolean
  /** Symbols with a hole, or that may have one. Symbols without one are not listed. */
  readonly missed: ReadonlyArray<Missed>
  /** Symbols whose value is still the one from before the disconnect: a snapshot of each is due. Empty when `recovered`. */
  readonly awaiting: ReadonlyArray<string>
}

/**
 * This client found the hole itself. "out-of-sequence": an update did not follow the one before it. "disconnected": what
 * was missed while offline, for a symbol that became current only after `Resumed` was told. A Snapshot follows.
 */
export interface FoundGap {
  readonly _tag: "Gap"
  readonly symbol: string
  readonly epoch: number
  readonly from: number
  readonly to: number | null
  readonly reason: "out-of-sequence" | "disconnected"
}

/**
 * The server refused this watch. Tried again after `retryAfterMillis`; null = only when `set` changes the symbols. With NotSignedIn it is
 * over for good: a token is wanted, or the one that was shown was revoked or has expired. Nothing comes after it, and nothing of this client
 * keeps the process alive: say why, and end with an exit code that says it too.
 */
export interface WatchRefused {
  readonly _tag: "WatchRefused"
  readonly error:
    | InvalidArguments
    | LimitExceeded
    | Unavailable
    | WatchIdConflict
    | ServerFailed
    | NotSignedIn
    | Forbidden
  readonly retryAfterMillis: number | null
}

export type ClientEvent =
  | Update
  | Snapshot
  | Watching
  | Gap
  | FoundGap
  | Liveness
  | Conflating
  | Draining
  | Disconnected
  | Resumed
  | WatchRefused

// ---- connection --------------------------------------------------------------------------------------------------

export type ConnectionState =
  | { readonly status: "connecting" }
  | { readonly status: "open"; readonly since: number }
  | {
      readonly status: "reconnecting"
      /** 1 for the first try after a loss. */
      readonly attempt: number
      /** When it is (or was) tried next. */
      readonly retryAt: number
      readonly reason: string
      /** WebSocket close code, if the server closed it. */
      readonly code: number | null
      /** How long the server wants to be left alone, ms, where it said so; `retryAt` is not before that. */
      readonly retryAfterMillis: number | null
    }
  /** For good: the server wants another sign-in or token than it was shown. Calls fail with NotSignedIn. */
  | { readonly status: "signed-out"; readonly reason: string }
  | { readonly status: "closed"; readonly reason: string }

export interface ConnectOptions {
  /** "http(s)://host:port" or "ws(s)://host:port/rpc". In a browser it may be left out: the page's own origin. */
  readonly url?: string | undefined
  /**
   * An API token (account page), or the operator's. Without: the browser's cookie, or nothing where the server wants nothing. Shown
   * once; a broken connection is made anew with short-lived tickets.
   */
  readonly token?: string | undefined
  /** Deadline of a call, over all its retries; default 10,000 ms. */
  readonly timeoutMillis?: number | undefined
  /**
   * Default: the global WebSocket (browsers, Node ≥ 22). With `ws`: `(url) => new WebSocket(url)`; it can drop a peer that
   * vanished without a word, while Node's own keeps that socket, and so the process, until the kernel gives it up.
   */
  readonly makeWebSocket?: MakeWebSocket | undefined
}

export interface WatchOptions {
  readonly symbols: ReadonlyArray<string>
  /** Window in ms, 0 = immediate; default 100. */
  readonly conflation?: Conflation | undefined
  /** Where an earlier watch stopped (`Watch.positions`), to continue from there. */
  readonly positions?: ReadonlyArray<Position> | undefined
}

export interface BarsQuery {
  readonly symbol: string
  readonly interval: Interval
  /** Inclusive. */
  readonly from?: number | undefined
  /** Exclusive. */
  readonly to?: number | undefined
  /** `before` of the previous page. */
  readonly before?: number | undefined
  /** Bars a page, 1 to 5,000. */
  readonly limit?: number | undefined
}

export interface BarsSubject {
  readonly symbol: string
  readonly interval: Interval
  /** Begin with the bars from this start on, where a page read before ends; default: with the present bar. */
  readonly from?: number | undefined
}

// ---- plain face --------------------------------------------------------------------------------------------------

/** All events of one socket message, in order. Called synchronously: what it cannot keep up with, the server conflates. */
export type WatchListener = (events: ReadonlyArray<ClientEvent>) => void

export interface Watch extends AsyncDisposable {
  /** The symbols asked for, as normalised. */
  readonly symbols: ReadonlyArray<string>
  /** The last state delivered of each symbol. */
  readonly positions: ReadonlyArray<Position>
  /**
   * Watch exactly these from now on. Nothing more is delivered for a symbol that left, from the moment of the call. Made
   * while offline it takes effect on reconnect. Rejects with `Timeout` when the server has not answered in time (the set
   * is kept), `Closed`, or the server's refusal.
   */
  set(symbols: ReadonlyArray<string>): Promise<Watching>
  setConflation(conflation: Conflation): Promise<Watching>
  /** Idempotent. Nothing is delivered after the call. */
  close(): Promise<void>
}

export interface BarsWatch {
  close(): void
}

export interface BarsListener {
  readonly onBar: (bar: Bar) => void
  /** The server refused it (unknown symbol …); nothing more comes. Default: nothing. */
  readonly onError?: ((error: Error) => void) | undefined
}

export interface SearchQuery {
  readonly text: string
  /** 1 … 100; default 20. */
  readonly limit?: number
  /** `after` of the page before. */
  readonly after?: number
  /** Whether `price` is told; default true. */
  readonly prices?: boolean
}

/** null: those of which it is not known. */
export interface BrowseQuery extends CompanyFilter {
  /** Default: the largest company first. */
  readonly order?: BrowseOrder
  /** 1 … 100; default 50. */
  readonly limit?: number
  /** `after` of the page before, of the same filter and order. */
  readonly after?: string
  /** Whether `price` is told; default true. */
  readonly prices?: boolean
}

/** The account of whoever is connected. All but `me` take a person who has signed in: programs are refused with Forbidden. */
export interface AccountClient {
  me(): Promise<Me>
  /** Browsers that are signed in. */
  signIns(): Promise<ReadonlyArray<SignIn>>
  endSignIn(id: string): Promise<{ readonly ended: number }>
  /** This one too; with `tokens` programs as well. */
  signOutEverywhere(options: { readonly tokens: boolean }): Promise<{ readonly ended: number }>
  tokens(): Promise<ReadonlyArray<ApiToken>>
  /** `secret` is told this once. Rejects with `LimitExceeded` when there are too many. */
  createToken(token: NewToken): Promise<{ readonly secret: string; readonly token: ApiToken }>
  revokeToken(id: string): Promise<{ readonly revoked: number }>
  /** What happened to the account, newest first; `before` of the page before for older ones. */
  activity(options?: { readonly before?: string }): Promise<ActivityPage>
  /** All that is kept of the investor. */
  export(): Promise<AccountExport>
  /** An account as operators see it. This and what follows takes the operator's token, and no sign-in besides. */
  find(operator: string, email: string): Promise<AccountFacts>
  /** Banned: signed out everywhere, tokens revoked, no sign-in until it is taken back. */
  setBan(operator: string, email: string, banned: boolean): Promise<AccountFacts>
  /** A random one, told this once; browsers are signed out. */
  resetPassword(operator: string, email: string): Promise<{ readonly password: string }>
  /** An account for somebody, with a random password, told this once; nobody is signed in by it. Rejects with `EmailTaken`. */
  add(operator: string, email: string): Promise<AddedAccount>
  /** What happened to all accounts. */
  audit(operator: string, options?: AuditQuery): Promise<AuditPage>
}

export interface AddedAccount {
  readonly id: string
  /** As it was normalised. */
  readonly email: string
  readonly password: string
}

export interface AuditQuery {
  /** 1 … 500; default 50. */
  readonly limit?: number
  /** `before` of the page before. */
  readonly before?: string
}

export interface AuditPage {
  readonly events: ReadonlyArray<AuditEvent>
  readonly before: string | null
}

export interface NewToken {
  readonly name: string
  readonly access: "read" | "write"
  /** How long it lasts: 1 … 365. */
  readonly days: number
}

export interface ActivityPage {
  readonly events: ReadonlyArray<SecurityEvent>
  readonly before: string | null
}

/** One connection to one server, kept alive until `close`. Promises reject with the errors of errors.ts and market.ts. */
export interface MarketClient extends AsyncDisposable {
  readonly url: string
  readonly state: ConnectionState
  /** Called on every change, not with the present state. Returns how to stop. */
  onState(listener: (state: ConnectionState) => void): () => void
  /** When anything was last received, heartbeats included; null before the first byte. */
  readonly lastReceived: number | null
  /** How long ago that was, ms. */
  readonly age: number | null
  /** Resolves when the connection is open; rejects with `ConnectFailed` when the first attempt failed (it goes on trying). */
  opened(): Promise<void>
  watch(options: WatchOptions, listener: WatchListener): Watch
  quote(symbol: string): Promise<Snapshot>
  /** One page: newest first, bars within it oldest first. */
  bars(query: BarsQuery): Promise<BarsPage>
  /** Page after page, newest first, until there are no older bars. */
  allBars(query: BarsQuery): AsyncIterableIterator<BarsPage>
  /**
   * The live last bar and revisions of older ones. After a reconnect it goes on with the bars from the last one told on (or
   * an earlier one that was not final), as they are now, so that none is left out or left half; what older bars were
   * revised to meanwhile is not told.
   */
  watchBars(subject: BarsSubject, listener: ((bar: Bar) => void) | BarsListener): BarsWatch
  /** Companies as one types: by symbol, name or any word of it, former ones too; the best first. */
  search(query: SearchQuery): Promise<SearchPage>
  /** By any symbol it has or had; rejects with `UnknownSymbol`, which says what may have been meant. */
  company(symbol: string): Promise<CompanyProfile>
  /** How many listed instruments there are by exchange, sector and industry. */
  facets(filter?: CompanyFilter): Promise<Facets>
  /** What is listed, a page at a time. */
  browse(query: BrowseQuery): Promise<BrowsePage>
  /** Every listed symbol, in symbol order. */
  listings(): Promise<Array<Listing>>
  status(): Promise<MarketStatus>
  readonly account: AccountClient
  /** Idempotent. Closes every watch; calls in flight reject with `Closed`. */
  close(): Promise<void>
}
