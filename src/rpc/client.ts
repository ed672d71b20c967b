/**
 * `lzstock/client`: watch prices move, from Node (≥ 22) or a browser, through anything that happens to the connection.
 *
 *   const client = connect({ url: "http://127.0.0.1:4280" })
 *   client.watch({ symbols: ["AAPL"] }, (events) => { … })
 *
 * `connect` is for any JavaScript; `LZStockClient` is the same as Effects, Streams and a Layer. Every WebSocket detail,
 * reconnecting, resuming and reporting what was missed is inside.
 */
export { Forbidden, NotAllowed, NotSignedIn } from "./access.ts"
export {
  type CallError,
  Closed,
  ConnectFailed,
  InvalidArguments,
  ServerFailed,
  Timeout
} from "./client/errors.ts"
export { connect } from "./client/plain.ts"
export { LZStockClient } from "./client/service.ts"
export type { MakeWebSocket, WebSocketLike } from "./client/socket.ts"
export type { WatchHandle } from "./client/streams.ts"
export type * from "./client/types.ts"
export type { SetError } from "./client/watching.ts"
export type {
  Alias,
  BrowseItem,
  BrowseOrder,
  BrowsePage,
  Company,
  CompanyFilter,
  CompanyProfile,
  Facets,
  FacetValue,
  FormerName,
  ImportedListing,
  ImportResult,
  Instrument,
  LastPrice,
  SearchHit,
  SearchPage,
  SyncStatus
} from "./companies.ts"
export {
  type AccountExport,
  type AccountFacts,
  type ApiToken,
  type AuditEvent,
  CredentialRefused,
  EmailTaken,
  type Investor,
  type Me,
  NotFound,
  type SecurityEvent,
  type SignIn
} from "./investors.ts"
export {
  type Bar,
  type BarsPage,
  type Conflating,
  type Conflation,
  type Draining,
  type FeedLabel,
  type FeedStatus,
  type Gap,
  type Interval,
  InvalidRequest,
  LimitExceeded,
  type Listing,
  type Liveness,
  type MarketStatus,
  type Position,
  type Refusal,
  type RefusalReason,
  type SessionPhase,
  type Snapshot,
  Unavailable,
  UnknownSymbol,
  type Update,
  WatchIdConflict,
  type Watching
} from "./market.ts"
