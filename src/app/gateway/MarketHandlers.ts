/** The market RPCs of a gateway: each handler says in a few lines where its answer comes from. */

import { Clock, Effect, Schema, Stream } from "effect"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { BarHistory } from "../../actors/market/BarHistory.ts"
import { sessionAt } from "../../actors/market/calendar.ts"
import { Feed } from "../../actors/market/Feed.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { Tickers } from "../../actors/sessions/Tickers.ts"
import { Watching } from "../../actors/sessions/Watching.ts"
import { MarketRpcs, normaliseSymbol, Snapshot, UnknownSymbol } from "../../rpc/market.ts"
import { MAX_MESSAGE_BYTES } from "../../rpc/sessions.ts"
import { eventTail, snapshotHead } from "../../rpc/wire.ts"
import { Readiness } from "./Readiness.ts"

const decodeSnapshot = Schema.decodeUnknownSync(Snapshot)
const ascii = new TextDecoder()
const PAGE = 1_000

export interface ServerIdentity {
  readonly version: string
  /** Name of this process among its peers. */
  readonly node: string
}

export const layerMarketHandlers = (identity: ServerIdentity) =>
  MarketRpcs.toLayer(
    Effect.gen(function* () {
      const feed = yield* Feed
      const sessions = yield* SessionActors
      const watching = yield* Watching
      const tickers = yield* Tickers
      const history = yield* BarHistory
      const gauges = yield* Gauges
      const readiness = yield* Readiness
      const startedAt = yield* Clock.currentTimeMillis
      const listed = new Set(feed.listings.map((listing) => listing.symbol))

      const known = (text: string): Effect.Effect<string, UnknownSymbol> => {
        const symbol = normaliseSymbol(text)
        return listed.has(symbol)
          ? Effect.succeed(symbol)
          : Effect.fail(new UnknownSymbol({ symbol: text, message: `${text} is not listed here: see market.Listings` }))
      }
      const sessionOf = (clientId: number) =>
        Effect.suspend(() => {
          const session = sessions.get(clientId)
          return session === undefined ? Effect.interrupt : Effect.succeed(session)
        })

      return MarketRpcs.of({
        // the stream itself stays silent: WatchStream writes its chunks to the session's socket under this request's id
        "market.Watch": (request, { client, requestId }) =>
          Stream.unwrap(
            sessionOf(client.id).pipe(
              Effect.flatMap((session) => watching.open(session, requestId, request)),
              Effect.as(Stream.never)
            )
          ),
        "market.SetWatched": (request, { client }) =>
          Effect.flatMap(sessionOf(client.id), (session) => watching.set(session, request)),
        "market.Quote": Effect.fn("market.Quote")(function* ({ symbol: text }) {
          const symbol = yield* known(text)
          const state = yield* tickers.snapshot(symbol)
          const now = yield* Clock.currentTimeMillis
          return decodeSnapshot(
            JSON.parse(`${snapshotHead(feed.label)}${ascii.decode(state.body)}${eventTail(0, now)}`)
          )
        }),
        "market.Bars": Effect.fn("market.Bars")(function* (request) {
          const symbol = yield* known(request.symbol)
          return yield* history.page({ ...request, symbol })
        }),
        "market.WatchBars": (request) =>
          Stream.unwrap(
            Effect.map(known(request.symbol), (symbol) => history.live({ symbol, interval: request.interval }))
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
