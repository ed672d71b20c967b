/** The plain face: promises and listeners, for any JavaScript. The same client as LZStockClient, in a scope of its own. */
import { Deferred, Effect, Exit, Scope } from "effect"
import type { Bar, BarsPage } from "../market.ts"
import { plainAccount } from "./account.ts"
import { followBars, olderQuery } from "./bars.ts"
import { LZStockClient } from "./service.ts"
import type {
  BarsListener,
  BarsQuery,
  BarsSubject,
  BarsWatch,
  ConnectionState,
  ConnectOptions,
  MarketClient,
  Watch,
  WatchListener,
  WatchOptions
} from "./types.ts"
import { openWatch } from "./watching.ts"

/** A listener that throws is the page's or the process's uncaught error, like an event listener's; the stream goes on. */
const guarded =
  <A>(listener: (value: A) => void) =>
  (value: A): void => {
    try {
      listener(value)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

/** Whoever does not wait for the answer to a change of the set need not hear that it failed. */
const optional = <A>(promise: Promise<A>): Promise<A> => {
  promise.catch(() => {})
  return promise
}

/**
 * Connects, and stays connected until `close`. Returns at once; throws ConnectFailed only for a URL that is none, or where
 * there is no WebSocket.
 */
export const connect = (options: ConnectOptions = {}): MarketClient => {
  const scope = Scope.makeUnsafe()
  const client = Effect.runSync(Scope.provide(LZStockClient.make(options), scope))
  const { connection } = client.session
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= Effect.runPromise(Scope.close(scope, Exit.void))
    return closing
  }

  const watch = (watchOptions: WatchOptions, listener: WatchListener): Watch => {
    const own = Scope.forkUnsafe(scope)
    const guard = guarded(listener)
    let open = true
    const handle = Effect.runSync(
      Scope.provide(
        openWatch(client.session, watchOptions, (events) => {
          if (open && closing === undefined) guard(events)
        }),
        own
      )
    )
    let closed: Promise<void> | undefined
    const closeWatch = (): Promise<void> => {
      open = false
      closed ??= Effect.runPromise(Scope.close(own, Exit.void))
      return closed
    }
    return {
      get symbols() {
        return handle.symbols()
      },
      get positions() {
        return handle.positions()
      },
      set: (symbols) => optional(Effect.runPromise(handle.set(symbols))),
      setConflation: (conflation) => optional(Effect.runPromise(handle.setConflation(conflation))),
      close: closeWatch,
      [Symbol.asyncDispose]: closeWatch
    }
  }

  const watchBars = (subject: BarsSubject, listener: ((bar: Bar) => void) | BarsListener): BarsWatch => {
    const { onBar, onError }: BarsListener = typeof listener === "function" ? { onBar: listener } : listener
    const own = Scope.forkUnsafe(scope)
    const guard = guarded(onBar)
    let open = true
    Effect.runSync(
      Effect.raceFirst(
        followBars(client.session, subject, (bar) => {
          if (open && closing === undefined) guard(bar)
        }),
        Deferred.await(client.session.calls.closed)
      ).pipe(
        Effect.catch((error) =>
          Effect.sync(() => open && closing === undefined && onError !== undefined && guarded(onError)(error))
        ),
        Effect.forkScoped,
        Scope.provide(own)
      )
    )
    return {
      close: () => {
        open = false
        Effect.runFork(Scope.close(own, Exit.void))
      }
    }
  }

  async function* allBars(query: BarsQuery) {
    let next: BarsQuery | null = query
    while (next !== null) {
      const page: BarsPage = await Effect.runPromise(client.bars(next))
      yield page
      next = olderQuery(next, page)
    }
  }

  return {
    url: client.url,
    get state() {
      return connection.state()
    },
    onState: (listener) => connection.onState(guarded<ConnectionState>(listener)),
    get lastReceived() {
      return connection.lastReceived()
    },
    get age() {
      const last = connection.lastReceived()
      return last === null ? null : Date.now() - last
    },
    opened: () => Effect.runPromise(client.opened),
    watch,
    quote: (symbol) => Effect.runPromise(client.quote(symbol)),
    bars: (query) => Effect.runPromise(client.bars(query)),
    allBars,
    watchBars,
    search: (query) => Effect.runPromise(client.search(query)),
    company: (symbol) => Effect.runPromise(client.company(symbol)),
    facets: (filter = {}) => Effect.runPromise(client.facets(filter)),
    browse: (query) => Effect.runPromise(client.browse(query)),
    listings: () => Effect.runPromise(client.listings),
    status: () => Effect.runPromise(client.status),
    account: plainAccount(client.account),
    close,
    [Symbol.asyncDispose]: close
  }
}
