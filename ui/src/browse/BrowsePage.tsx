/** /browse: everything that is listed, by sector, exchange and industry. What is chosen is in the address. */
import { useLocation } from "@solidjs/router"
import { createEffect, createMemo, createSignal, For, Match, on, onCleanup, Show, Switch } from "solid-js"
import type { BrowseItem, Facets } from "../../../src/rpc/client.ts"
import { formatWhole } from "../format/numbers.ts"
import { useMarket } from "../market/context.ts"
import { goOn } from "../market/goOn.ts"
import { messageOf } from "../market/market.ts"
import { type Listed, makePages, nothingListed } from "../market/pages.ts"
import { LabelBadge } from "../shell/Badges.tsx"
import { Notice } from "../table/Notice.tsx"
import { type Browsing, browsePath, describeFilter, orders, readBrowsing } from "./address.ts"
import { CompanyList } from "./CompanyList.tsx"
import { FacetPanel, FacetSelects } from "./FacetPanel.tsx"

const ITEMS_A_PAGE = 60

const BrowsePage = () => {
  const market = useMarket()
  const location = useLocation()
  const browsing = createMemo(() => readBrowsing(location.search))

  const [listed, setListed] = createSignal<Listed<Browsing, BrowseItem>>(nothingListed)
  const pages = makePages<Browsing, BrowseItem, string>({
    ask: async ({ filter, order }, after) => {
      const page = await market.client.browse({
        ...filter,
        order,
        limit: ITEMS_A_PAGE,
        // what is on screen is watched
        prices: false,
        ...(after === undefined ? {} : { after })
      })
      return page
    },
    keyOf: (item) => item.symbol,
    onChange: setListed
  })
  onCleanup(pages.close)
  createEffect(() => pages.set(browsing()))

  // the counts: of the newest filter, the old ones stay until they are there
  const [facets, setFacets] = createSignal<Facets | undefined>(undefined)
  const loadFacets = async (): Promise<void> => {
    const asked = browsing()
    try {
      const answer = await market.client.facets(asked.filter)
      if (asked === browsing()) setFacets(answer)
    } catch {
      // the list, which failed too, says so
    }
  }
  createEffect(on(browsing, loadFacets))
  const retry = () => {
    pages.retry()
    void loadFacets()
  }
  createEffect(
    on(
      () => market.connection().status,
      (status) => {
        if (status === "open" && (listed().error !== null || facets() === undefined)) retry()
      },
      { defer: true }
    )
  )

  goOn(() => listed().error, retry)

  const error = () => (listed().error === null ? null : messageOf(listed().error))
  /** What is shown is of another filter. */
  const isBehind = () => listed().question !== browsing()
  createEffect(() => {
    const what = describeFilter(browsing().filter)
    document.title = `${what === "" ? "Companies" : what} · ${market.label() ?? ""} · LZStock`
  })

  return (
    <div class="flex min-h-0 flex-1">
      <FacetPanel facets={facets()} browsing={browsing()} />
      <section class="flex min-w-0 flex-1 flex-col" aria-label="Listed companies">
        <FacetSelects facets={facets()} browsing={browsing()} />
        <header class="flex shrink-0 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-2.5 max-md:px-3.5">
          <h1 class="text-[15px] font-semibold first-letter:uppercase">
            {describeFilter(browsing().filter) || "All companies"}
          </h1>
          <span class="text-soft" data-testid="browse-count">
            <Show when={facets()} fallback={"\u00a0"}>
              {(counts) => (
                <>
                  {formatWhole(counts().companies)} {counts().companies === 1 ? "company" : "companies"}
                  <Show when={counts().companies !== counts().instruments}>
                    {" "}
                    with {formatWhole(counts().instruments)} symbols
                  </Show>
                </>
              )}
            </Show>
          </span>
          <Show when={describeFilter(browsing().filter) !== ""}>
            <a href={browsePath({ order: browsing().order })} class="font-medium text-accent hover:underline">
              Clear the filter
            </a>
          </Show>
          <div class="ml-auto flex items-center gap-3 max-md:hidden">
            <LabelBadge label={market.label()} small />
            <nav aria-label="Order" class="flex items-center gap-0.5">
              <span class="mr-1 text-soft">by</span>
              <For each={orders}>
                {(order) => (
                  <a
                    href={browsePath({ ...browsing(), order })}
                    class="page-link capitalize"
                    classList={{ "page-link-here": browsing().order === order }}
                    aria-current={browsing().order === order ? "true" : undefined}
                    title={order === "size" ? "The largest company first" : `By ${order}`}
                  >
                    {order}
                  </a>
                )}
              </For>
            </nav>
          </div>
        </header>
        <Switch
          fallback={
            <div class="flex-1 p-4" role="status" aria-busy="true" aria-label="Loading companies">
              <div class="skeleton h-full" />
            </div>
          }
        >
          <Match when={isBehind() && error()}>
            {(message) => (
              <Notice title="The companies did not come" text={message()} action="Try again" onAction={retry} />
            )}
          </Match>
          <Match when={listed().question !== null && listed().items.length === 0}>
            <div class="grid flex-1 place-items-center p-6 text-center">
              <div>
                <h2 class="text-base font-semibold">Nothing is listed with these together</h2>
                <p class="mt-1 text-soft">{describeFilter(browsing().filter)}</p>
                <a
                  href={browsePath({ order: browsing().order })}
                  class="mt-4 inline-block rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent"
                >
                  Show all companies
                </a>
              </div>
            </div>
          </Match>
          <Match when={listed().question !== null}>
            <CompanyList
              items={listed().items}
              total={listed().total ?? listed().items.length}
              hasMore={listed().hasMore}
              isLoading={listed().awaiting !== null}
              error={error()}
              onMore={pages.more}
              onRetry={pages.retry}
              subject={listed().question}
            />
          </Match>
        </Switch>
      </section>
    </div>
  )
}
export default BrowsePage
