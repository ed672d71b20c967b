/** The market table's page: which rows, in which order, and what of them is watched. */
import { createEffect, createMemo, createSignal, Match, on, onCleanup, Switch } from "solid-js"
import { newYorkMidnight } from "../format/time.ts"
import { useMarket } from "../market/context.ts"
import { makeSparks } from "../market/sparks.ts"
import { ui } from "../shell/ui.ts"
import { watchlist } from "../watchlist/watchlist.ts"
import { MarketTable } from "./MarketTable.tsx"
import { Notice, TableSkeleton } from "./Notice.tsx"
import { breadthOf, filterRows, nextSort, orderRows, type Sort, sectorsOf } from "./order.ts"
import { Strip } from "./Strip.tsx"
import { Toolbar } from "./Toolbar.tsx"

/** Up to this many symbols all are watched, so that sorting and breadth cover the market; above it, what is on screen. */
const WATCH_ALL_UP_TO = 2_500
/** Live columns are put in order this often (seconds): rows that jump about cannot be read. */
const REORDER_SECONDS = 2

export const MarketPage = () => {
  const market = useMarket()
  const [sort, setSort] = createSignal<Sort>({ key: "volume", descending: true })
  const [visible, setVisible] = createSignal<ReadonlyArray<string>>([])
  const sparks = makeSparks(
    async (symbol) => {
      const now = market.marketTime()
      const day = { symbol, interval: "5m", limit: 192 } as const
      // a day's bars cost the server a fraction of two days'; before the first trade of a day the last one is shown
      const today = now === null ? [] : (await market.client.bars({ ...day, from: newYorkMidnight(now) })).bars
      return today.length > 0 ? today : (await market.client.bars(day)).bars
    },
    () => performance.now(),
    (task, millis) => setTimeout(task, millis)
  )

  const all = createMemo(() => {
    const loaded = market.listings()
    return loaded.state === "ready" ? loaded.value : []
  })
  const sectors = createMemo(() => sectorsOf(all()))
  const listed = createMemo(() => (ui.watchedOnly() ? all().filter((listing) => watchlist.has(listing.symbol)) : all()))
  const unlisted = createMemo(() => watchlist.symbols().filter((symbol) => market.listingOf(symbol) === undefined))
  const filtered = createMemo(() => filterRows(listed(), ui.filter(), ui.sector()))

  // the hand on the table holds the order still
  const [held, setHeld] = createSignal(false)
  const beat = createMemo(() =>
    sort().key === "symbol" || sort().key === "name" || held() || market.frozen()
      ? 0
      : Math.floor(market.second() / REORDER_SECONDS)
  )
  const rows = createMemo(on([filtered, sort, beat], ([listings, by]) => orderRows(listings, market.book.shown, by)))
  const breadth = createMemo(() => {
    market.second()
    return breadthOf(all(), market.book.shown)
  })

  const limit = () => Math.min(WATCH_ALL_UP_TO, market.status()?.limits.symbolsPerSession ?? WATCH_ALL_UP_TO)
  const watchesAll = createMemo(() => all().length <= limit())
  createEffect(() => market.watchSet.ask("table", watchesAll() ? all().map((row) => row.symbol) : visible()))
  onCleanup(() => market.watchSet.ask("table", []))

  createEffect(() => {
    const state = market.label()
    document.title = state === null ? "LZStock" : `Market · ${state} · LZStock`
  })

  return (
    <>
      <h1 class="sr-only">Market</h1>
      <Strip breadth={breadth()} onScreen={watchesAll() ? null : visible().length} />
      <Toolbar sectors={sectors()} shown={filtered().length} total={all().length} unlisted={unlisted()} />
      <div
        class="flex min-h-0 flex-1 flex-col"
        onPointerDown={() => setHeld(true)}
        onPointerUp={() => setHeld(false)}
        onPointerCancel={() => setHeld(false)}
        onPointerLeave={() => setHeld(false)}
      >
        <Switch>
          <Match when={market.listings().state === "loading"}>
            <TableSkeleton />
          </Match>
          <Match when={failure(market.listings())}>
            {(message) => (
              <Notice
                title="The list of symbols did not come"
                text={message()}
                action="Try again"
                onAction={() => market.reloadListings()}
              />
            )}
          </Match>
          <Match when={all().length === 0}>
            <Notice
              title="No symbols are listed"
              text="The server's feed lists nothing. For a replay, check the folder given to --data and the --date."
              action="Look again"
              onAction={() => market.reloadListings()}
            />
          </Match>
          <Match when={listed().length === 0}>
            <Notice
              title={
                watchlist.symbols().length === 0
                  ? "The watch list is empty"
                  : "Nothing of the watch list has a price here"
              }
              text={
                watchlist.symbols().length === 0
                  ? "Star a company: with w on its row or page, with Alt Enter in the search, or by its star."
                  : `This server's feed lists none of ${watchlist.symbols().join(", ")}.`
              }
              action="Show all symbols"
              onAction={() => ui.setWatchedOnly(false)}
            />
          </Match>
          <Match when={filtered().length === 0}>
            <Notice
              title="Nothing matches"
              text={`No symbol or company matches “${ui.filter()}”${ui.sector() === "" ? "" : ` in ${ui.sector()}`}.`}
              action="Clear the filter"
              onAction={() => {
                ui.setFilter("")
                ui.setSector("")
              }}
            />
          </Match>
          <Match when={true}>
            <MarketTable
              rows={rows()}
              sort={sort()}
              onSort={(key) => setSort((current) => nextSort(current, key))}
              sparks={sparks}
              onVisible={setVisible}
            />
          </Match>
        </Switch>
      </div>
    </>
  )
}

const failure = (load: { readonly state: string; readonly message?: string }): string | undefined =>
  load.state === "failed" ? (load.message ?? "unknown reason") : undefined
