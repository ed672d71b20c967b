/** The market RPCs of a gateway: each handler says in a few lines where its answer comes from. */

import { Clock, Effect, Semaphore, Stream } from "effect"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { BarHistory } from "../../actors/market/BarHistory.ts"
import { sessionAt } from "../../actors/market/calendar.ts"
import { Feed } from "../../actors/market/Feed.ts"
import { snapshotOf } from "../../actors/sessions/snapshots.ts"
import { Tickers } from "../../actors/sessions/Tickers.ts"
import { Watching } from "../../actors/sessions/Watching.ts"
import { LimitExceeded, MarketRpcs, normaliseSymbol, UnknownSymbol } from "../../rpc/market.ts"
import { MAX_MESSAGE_BYTES } from "../../rpc/sessions.ts"
import { Readiness } from "./Readiness.ts"
import { makeWatchHandlers } from "./watchHandlers.ts"

const PAGE = 1_000
/** A page of bars counts as a request for every so many. */
const BARS_PER_REQUEST = 500
/** Pages worked out at the same time on a node; the others wait. */
const PAGES_AT_ONCE = 4
const LIVE_BARS_PER_SESSION = 64

export interface ServerIdentity {
  readonly version: string
  /** Name of this process among its peers. */
  readonly node: string
}

export const layerMarketHandlers = (identity: ServerIdentity) =>
  MarketRpcs.toLayer(
    Effect.gen(function* () {
      const feed = yield* Feed
      const watchHandlers = yield* makeWatchHandlers
      const watching = yield* Watching
      const tickers = yield* Tickers
      const history = yield* BarHistory
      const gauges = yield* Gauges
      const readiness = yield* Readiness
      const startedAt = yield* Clock.currentTimeMillis
      const pages = yield* Semaphore.make(PAGES_AT_ONCE)
      const listed = new Set(feed.listings.map((listing) => listing.symbol))

      const known = (text: string): Effect.Effect<string, UnknownSymbol> => {
        const symbol = normaliseSymbol(text)
        return listed.has(symbol)
          ? Effect.succeed(symbol)
          : Effect.fail(new UnknownSymbol({ symbol: text, message: `${text} is not listed here` }))
      }
      return MarketRpcs.of({
        "market.Watch": watchHandlers.watch,
        "market.SetWatched": watchHandlers.setWatched,
        "market.Quote": Effect.fn("market.Quote")(function* ({ symbol: text }) {
          const symbol = yield* known(text)
          const state = yield* tickers.snapshot(symbol)
          const now = yield* Clock.currentTimeMillis
          return snapshotOf(feed.label, state.body, now)
        }),
        "market.Bars": Effect.fn("market.Bars")(function* (request, { client }) {
          const symbol = yield* known(request.symbol)
          const session = yield* watchHandlers.sessionOf(client.id)
          if (!session.charge(Math.floor((request.limit ?? 0) / BARS_PER_REQUEST))) {
            return yield* new LimitExceeded({
              limit: "requests-per-second",
              allowed: session.requestsPerSecond,
              retryAfterMillis: 1_000,
              message: `Ask for fewer bars at a time, or less often: every ${BARS_PER_REQUEST} count as a request`
            })
          }
          return yield* pages.withPermit(history.page({ ...request, symbol }))
        }),
        "market.WatchBars": (request, { client }) =>
          Stream.unwrap(
            Effect.gen(function* () {
              const symbol = yield* known(request.symbol)
              const session = yield* watchHandlers.sessionOf(client.id)
              if (session.liveBars >= LIVE_BARS_PER_SESSION) {
                return yield* new LimitExceeded({
                  limit: "live-bars-per-session",
                  allowed: LIVE_BARS_PER_SESSION,
                  retryAfterMillis: null,
                  message: "Too many live bars: close another first"
                })
              }
              yield* Effect.acquireRelease(
                Effect.sync(() => session.liveBars++),
                () => Effect.sync(() => session.liveBars--)
              )
              return history.live({ symbol, interval: request.interval })
            })
          ),
        "market.Listings": ({ after, limit = PAGE }) =>
          Effect.sync(() => {
            const from = after === undefined ? 0 : feed.listings.findIndex((listing) => listing.symbol > after)
            const listings = from === -1 ? [] : feed.listings.slice(from, from + limit)
            const more = from !== -1 && from + limit < feed.listings.length
            return { listings, after: more ? (listings.at(-1)?.symbol ?? null) : null }
          }),
        "market.Status": () =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            const status = yield* feed.status
            return {
              server: { ...identity, startedAt, now, state: readiness.phase() },
              feed: status,
              session: sessionAt(status.marketTime),
              counts: {
                sessions: gauges.get("sessions_active"),
                watchedSymbols: gauges.get("watched_symbols_active"),
                subscriptions: gauges.get("watched_slots_active"),
                tickerActors: gauges.get("actors_active", 'kind="ticker"')
              },
              limits: { ...watching.limits, messageBytes: MAX_MESSAGE_BYTES }
            }
          })
      })
    })
  )
