/** What is listed, as a long table of which only what is on screen exists and is watched; more is asked for near its end. */
import { createVirtualizer } from "@tanstack/solid-virtual"
import { createEffect, createSignal, For, on, onCleanup, onMount, Show } from "solid-js"
import type { BrowseItem } from "../../../src/rpc/client.ts"
import { formatWhole } from "../format/numbers.ts"
import { useMarket } from "../market/context.ts"
import { CompanyRow } from "./CompanyRow.tsx"
import "./browse.css"

const phone = matchMedia("(max-width: 767px)")
const rowHeight = () => (phone.matches ? 60 : 46)
/** So many rows before the end the next page is asked for. */
const AHEAD = 12

const heads = [
  ["symbol", "Symbol"],
  ["name", "Company"],
  ["sector", "Sector"],
  ["exchange", "Exchange"],
  ["price", "Last, change"],
  ["star", ""]
] as const

export const CompanyList = (props: {
  readonly items: ReadonlyArray<BrowseItem>
  readonly total: number
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** Why the next page did not come. */
  readonly error: string | null
  readonly onMore: () => void
  readonly onRetry: () => void
  /** Another list altogether when it changes: shown from its beginning. */
  readonly subject: unknown
}) => {
  const market = useMarket()
  let scroller!: HTMLDivElement
  const [height, setHeight] = createSignal(rowHeight())
  const virtualizer = createVirtualizer<HTMLDivElement, HTMLDivElement>({
    get count() {
      return props.items.length
    },
    getScrollElement: () => scroller,
    estimateSize: () => height(),
    overscan: 6
  })
  const onPhone = () => {
    setHeight(rowHeight())
    virtualizer.measure()
  }
  onMount(() => {
    phone.addEventListener("change", onPhone)
    onCleanup(() => phone.removeEventListener("change", onPhone))
  })
  createEffect(
    on(
      () => props.subject,
      () => scroller.scrollTo(0, 0),
      { defer: true }
    )
  )
  createEffect(() => {
    const shown = virtualizer.getVirtualItems()
    market.watchSet.ask(
      "browse",
      shown
        .map(({ index }) => props.items[index]?.symbol ?? "")
        .filter((symbol) => market.listingOf(symbol) !== undefined)
    )
    const last = shown.at(-1)
    if (last !== undefined && last.index >= props.items.length - AHEAD && scroller.scrollTop > 0) props.onMore()
  })
  onCleanup(() => market.watchSet.ask("browse", []))

  return (
    <div
      ref={scroller}
      class="company-grid min-h-0 flex-1 overflow-x-hidden overflow-y-auto bg-panel [overflow-anchor:none]"
      // axe and keyboards: what scrolls can be scrolled by keys
      tabindex={0}
      role="group"
      aria-label="Companies"
      data-testid="companies"
    >
      <div role="table" aria-label="Companies" aria-rowcount={props.total + 1} aria-colcount={heads.length}>
        <div role="rowgroup" class="company-head">
          <div role="row" class="company-cells" aria-rowindex={1}>
            <For each={heads}>
              {([id, label]) => (
                <span role="columnheader" data-column={id}>
                  {label}
                  <Show when={label === ""}>
                    <span class="sr-only">Watch list</span>
                  </Show>
                </span>
              )}
            </For>
          </div>
        </div>
        <div role="rowgroup" class="relative" style={{ height: `${virtualizer.getTotalSize()}px` }}>
          <For each={virtualizer.getVirtualItems()}>
            {(row) => (
              <Show when={props.items[row.index]}>
                {(item) => <CompanyRow item={item()} index={row.index} top={row.start} />}
              </Show>
            )}
          </For>
        </div>
      </div>
      <div class="flex min-h-16 items-center justify-center gap-3 p-3 text-soft">
        <Show when={props.error} fallback={<Show when={!props.hasMore}>All {formatWhole(props.total)} are shown</Show>}>
          {(error) => (
            <span role="alert" class="text-warn">
              The next page did not come: {error()}
            </span>
          )}
        </Show>
        <Show when={props.hasMore || props.error !== null}>
          <button
            type="button"
            class="rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent max-md:min-h-11"
            aria-disabled={props.isLoading}
            onClick={() => (props.error === null ? props.onMore() : props.onRetry())}
            data-testid="load-more"
          >
            {props.error !== null ? "Try again" : props.isLoading ? "Loading…" : "Load more"}
          </button>
          <span>
            {formatWhole(props.items.length)} of {formatWhole(props.total)}
          </span>
        </Show>
      </div>
    </div>
  )
}
