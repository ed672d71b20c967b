/** The live table: virtualised rows, sorting headers, keyboard. What is on screen decides what is watched (MarketPage). */

import { useNavigate } from "@solidjs/router"
import { createVirtualizer } from "@tanstack/solid-virtual"
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js"
import type { Listing } from "../../../src/rpc/market.ts"
import type { Sparks } from "../market/sparks.ts"
import { theme, token } from "../shell/theme.ts"
import { useKeys } from "../shell/useKeys.ts"
import { symbolPath } from "../symbol/address.ts"
import { useStar } from "../watchlist/Star.tsx"
import { columns } from "./columns.ts"
import type { Sort, SortKey } from "./order.ts"
import { Row, rowId } from "./Row.tsx"
import "./table.css"

const phone = matchMedia("(max-width: 767px)")

export interface MarketTableProps {
  readonly rows: ReadonlyArray<Listing>
  readonly sort: Sort
  readonly onSort: (key: SortKey) => void
  readonly sparks: Sparks
  /** The rows on screen and a few around them, whenever they change. */
  readonly onVisible: (symbols: ReadonlyArray<string>) => void
}

export const MarketTable = (props: MarketTableProps) => {
  const navigate = useNavigate()
  const star = useStar()
  let scroller!: HTMLDivElement
  let head!: HTMLDivElement
  /** The head sticks over the first rows' place: a row scrolled to must come to stand below it and above the end. */
  const [headHeight, setHeadHeight] = createSignal(0)
  const [rowHeight, setRowHeight] = createSignal(phone.matches ? 58 : 36)
  const [selected, setSelected] = createSignal<string | null>(null)
  const colors = createMemo(() => {
    theme.dark()
    return { up: token("up"), down: token("down"), soft: token("soft") }
  })

  const virtualizer = createVirtualizer<HTMLDivElement, HTMLDivElement>({
    get count() {
      return props.rows.length
    },
    getScrollElement: () => scroller,
    estimateSize: () => rowHeight(),
    get scrollPaddingEnd() {
      return headHeight()
    },
    overscan: 8
  })
  const onPhone = () => {
    setRowHeight(phone.matches ? 58 : 36)
    setHeadHeight(head.offsetHeight)
    virtualizer.measure()
  }
  onMount(() => {
    setHeadHeight(head.offsetHeight)
    phone.addEventListener("change", onPhone)
    onCleanup(() => phone.removeEventListener("change", onPhone))
  })
  createEffect(() => {
    const symbols: Array<string> = []
    for (const item of virtualizer.getVirtualItems()) {
      const listing = props.rows[item.index]
      if (listing !== undefined) symbols.push(listing.symbol)
    }
    props.onVisible(symbols)
  })

  const open = (symbol: string) => navigate(symbolPath(symbol))
  const select = (index: number) => {
    const listing = props.rows[Math.min(props.rows.length - 1, Math.max(0, index))]
    if (listing === undefined) return
    setSelected(listing.symbol)
    virtualizer.scrollToIndex(props.rows.indexOf(listing), { align: "auto" })
  }
  const selectedIndex = createMemo(() => {
    const symbol = selected()
    return symbol === null ? -1 : props.rows.findIndex((row) => row.symbol === symbol)
  })
  // another filter may hide the selected row: the next key starts from the top again
  createEffect(
    on(
      () => props.rows,
      () => {
        if (selected() !== null && selectedIndex() < 0) setSelected(null)
      }
    )
  )

  useKeys((event) => {
    // a focused button or link elsewhere keeps its own Enter
    const inTable = document.activeElement === scroller || document.activeElement === document.body
    const screen = Math.max(1, Math.floor(scroller.clientHeight / rowHeight()) - 2)
    const from = selectedIndex()
    switch (event.key) {
      case "j":
      case "ArrowDown":
        select(from + 1)
        break
      case "k":
      case "ArrowUp":
        select(from < 0 ? 0 : from - 1)
        break
      case "PageDown":
        select(from + screen)
        break
      case "PageUp":
        select(from - screen)
        break
      case "Home":
        select(0)
        break
      case "End":
        select(props.rows.length - 1)
        break
      case "Enter": {
        const symbol = selected()
        if (symbol === null || !(inTable || document.activeElement?.id === "main")) return
        open(symbol)
        break
      }
      case "w": {
        const symbol = selected()
        if (symbol === null) return
        star(symbol)
        break
      }
      default:
        return
    }
    event.preventDefault()
  })

  const activeRow = () => {
    const symbol = selected()
    const shown = virtualizer.getVirtualItems().some((item) => item.index === selectedIndex())
    return symbol !== null && shown ? { "aria-activedescendant": rowId(symbol) } : {}
  }

  return (
    <div
      ref={scroller}
      role="grid"
      aria-label="Live market table"
      aria-rowcount={props.rows.length + 1}
      aria-colcount={columns.length}
      tabindex={0}
      class="table-grid relative min-h-0 flex-1 overflow-x-hidden overflow-y-scroll bg-panel [overflow-anchor:none] focus-visible:outline-offset-[-2px]"
      data-testid="market-table"
      {...activeRow()}
    >
      <div ref={head} role="row" aria-rowindex={1} class="table-head sticky top-0 z-10 border-b border-strong bg-panel">
        <For each={columns}>
          {(column) => (
            <div
              role="columnheader"
              data-column={column.id}
              classList={{ "cell-number": column.numeric, "max-md:text-center": column.id === "spark" }}
              title={column.title}
              aria-sort={
                column.sort === null || props.sort.key !== column.sort
                  ? "none"
                  : props.sort.descending
                    ? "descending"
                    : "ascending"
              }
            >
              <Show when={column.sort} fallback={<span class="head-button pointer-events-none">{column.label}</span>}>
                {(key) => (
                  <button
                    type="button"
                    class="head-button"
                    classList={{ "flex-row-reverse": column.numeric }}
                    onClick={() => props.onSort(key())}
                  >
                    {column.label}
                    <span aria-hidden="true" class="min-w-0 text-[9px] text-accent">
                      {props.sort.key === key() ? (props.sort.descending ? "▼" : "▲") : ""}
                    </span>
                  </button>
                )}
              </Show>
            </div>
          )}
        </For>
      </div>
      <div role="rowgroup" class="relative" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        <For each={virtualizer.getVirtualItems()}>
          {(item) => (
            <Show when={props.rows[item.index]}>
              {(listing) => (
                <Row
                  listing={listing()}
                  index={item.index}
                  top={item.start}
                  selected={selected() === listing().symbol}
                  sparks={props.sparks}
                  colors={colors()}
                  onSelect={() => {
                    setSelected(listing().symbol)
                    if (phone.matches) open(listing().symbol)
                  }}
                  onOpen={() => open(listing().symbol)}
                />
              )}
            </Show>
          )}
        </For>
      </div>
    </div>
  )
}
