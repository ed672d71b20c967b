/**
 * One row. Its elements are made once; from then on a quote is written straight to its text nodes (`paint`), at most once
 * per animation frame. The virtualiser gives a row another symbol when one scrolls or sorts: then it is painted whole.
 */

import { A } from "@solidjs/router"
import { createEffect, on, onCleanup } from "solid-js"
import type { Listing } from "../../../src/rpc/market.ts"
import {
  arrowOf,
  changeOf,
  changeRatioOf,
  directionOf,
  formatChange,
  formatCompact,
  formatPercent,
  formatPrice,
  MISSING,
  rangePosition
} from "../format/numbers.ts"
import { formatAge } from "../format/time.ts"
import { useMarket } from "../market/context.ts"
import type { Quote } from "../market/QuoteBook.ts"
import { extendSpark, isBehind, type Spark, type Sparks } from "../market/sparks.ts"
import { symbolPath } from "../symbol/address.ts"
import { StarButton } from "../watchlist/Star.tsx"
import { drawSpark, type SparkColors } from "./drawSpark.ts"
import { flash, unflash } from "./flash.ts"

export interface RowProps {
  readonly listing: Listing
  readonly index: number
  readonly top: number
  readonly selected: boolean
  readonly sparks: Sparks
  readonly colors: SparkColors
  readonly onSelect: () => void
  readonly onOpen: () => void
}

export const rowId = (symbol: string): string => `row-${symbol}`

/** Writes only what differs: a text node's write makes the browser lay the row out again. */
const write = (node: Text, text: string): void => {
  if (node.data !== text) node.data = text
}

const changeClass = (base: string, direction: string): string => `cell-number ${base} ${direction}`

export const Row = (props: RowProps) => {
  const market = useMarket()
  const text = () => document.createTextNode(MISSING)
  const last = text()
  const change = text()
  const percent = text()
  const changeArrow = document.createTextNode("")
  const percentArrow = document.createTextNode("")
  const bid = text()
  const ask = text()
  const volume = text()
  const low = text()
  const high = text()
  const age = text()
  let row!: HTMLDivElement
  let lastCell!: HTMLSpanElement
  let changeCell!: HTMLDivElement
  let percentCell!: HTMLDivElement
  let marker!: HTMLElement
  let halted!: HTMLSpanElement
  let canvas!: HTMLCanvasElement
  let spark: Spark | null = null
  let sparkDrawnAt = 0
  /** The previous close it was drawn against: its colour and its dotted line. */
  let sparkClose: number | null = null
  let leaveSpark = () => {}

  const redraw = () => {
    sparkDrawnAt = performance.now()
    sparkClose = market.book.shown(props.listing.symbol)?.previousClose ?? null
    drawSpark(canvas, spark?.points ?? [], sparkClose, props.colors)
  }

  const takeSpark = (found: Spark) => {
    spark = found
    redraw()
  }

  const paintAge = (quote: Quote | undefined) => {
    const now = market.marketTime()
    const stale = market.isStale(props.listing.symbol)
    row.toggleAttribute("data-stale", stale && quote !== undefined)
    const old =
      quote === undefined || quote.exchangeTime === 0 || now === null ? MISSING : formatAge(now - quote.exchangeTime)
    write(age, stale && quote !== undefined ? `⚠ ${old}` : old)
  }

  const paint = (quote: Quote, previous: Quote | undefined) => {
    if (previous === undefined || quote.last !== previous.last || quote.previousClose !== previous.previousClose) {
      const moved = changeOf(quote.last, quote.previousClose)
      const direction = directionOf(moved)
      const arrow = arrowOf(direction)
      write(last, formatPrice(quote.last))
      write(change, formatChange(moved, quote.last))
      write(percent, formatPercent(changeRatioOf(quote.last, quote.previousClose)))
      write(changeArrow, arrow)
      write(percentArrow, arrow)
      const name = changeClass("cell-change", direction)
      if (changeCell.className !== name) {
        changeCell.className = name
        percentCell.className = changeClass("cell-percent", direction)
      }
      if (previous !== undefined && previous.last !== null && quote.last !== null && quote.last !== previous.last) {
        flash(lastCell, quote.last > previous.last ? "up" : "down")
      }
    }
    if (quote.bid !== previous?.bid) write(bid, formatPrice(quote.bid))
    if (quote.ask !== previous?.ask) write(ask, formatPrice(quote.ask))
    write(volume, formatCompact(quote.volume))
    if (quote.low !== previous?.low) write(low, formatPrice(quote.low))
    if (quote.high !== previous?.high) write(high, formatPrice(quote.high))
    const position = rangePosition(quote.low, quote.high, quote.last)
    marker.style.transform = `translateX(${((position ?? 0.5) * 100).toFixed(1)}%)`
    marker.style.visibility = position === null ? "hidden" : "visible"
    if (quote.halted !== previous?.halted) halted.hidden = !quote.halted
    if (previous === undefined) {
      row.removeAttribute("data-empty")
      paintAge(quote)
    }
    if (spark !== null && quote.previousClose !== sparkClose) redraw()
    if (spark === null || quote.last === null) return
    if (isBehind(spark, quote.exchangeTime)) {
      const again = props.sparks.again(quote.symbol, takeSpark)
      if (again !== null) leaveSpark = again
    }
    if (extendSpark(spark, quote.last, quote.exchangeTime)) {
      // five-minute steps in 108 pixels: once a second is more than the eye can use
      if (performance.now() - sparkDrawnAt > 1_000) redraw()
    }
  }

  const clear = () => {
    for (const node of [last, change, percent, bid, ask, volume, low, high, age]) write(node, MISSING)
    write(changeArrow, "")
    write(percentArrow, "")
    marker.style.visibility = "hidden"
    halted.hidden = true
    row.setAttribute("data-empty", "")
    row.removeAttribute("data-stale")
    unflash(lastCell)
  }

  createEffect(
    on(
      () => props.listing.symbol,
      (symbol) => {
        clear()
        spark = null
        redraw()
        onCleanup(market.book.onPaint(symbol, paint))
        leaveSpark = props.sparks.request(symbol, takeSpark)
        onCleanup(() => leaveSpark())
      }
    )
  )
  createEffect(() => {
    market.second()
    paintAge(market.book.shown(props.listing.symbol))
  })
  createEffect(on(() => props.colors, redraw, { defer: true }))

  return (
    <div
      ref={row}
      id={rowId(props.listing.symbol)}
      role="row"
      class="table-row"
      aria-rowindex={props.index + 2}
      aria-selected={props.selected}
      data-symbol={props.listing.symbol}
      data-empty=""
      style={{ transform: `translateY(${props.top}px)` }}
      onClick={() => props.onSelect()}
      onDblClick={() => props.onOpen()}
    >
      <div role="gridcell" data-column="symbol" class="cell-symbol">
        <StarButton symbol={props.listing.symbol} tabindex={-1} class="row-star" />
        <A href={symbolPath(props.listing.symbol)} tabindex={-1} class="hover:text-accent hover:underline">
          {props.listing.symbol}
        </A>
        <span class="name" title={`${props.listing.name} · ${props.listing.exchange} · ${props.listing.sector}`}>
          {props.listing.name}
        </span>
        <span ref={halted} class="tag tag-halted" hidden>
          HALTED
        </span>
        <span class="tag tag-stale hidden">STALE</span>
      </div>
      <div role="gridcell" data-column="spark" class="cell-spark" aria-label="Today's course">
        <canvas ref={canvas} />
      </div>
      <div role="gridcell" data-column="last" class="cell-number">
        <span ref={lastCell} class="cell-last">
          {last}
        </span>
      </div>
      <div ref={changeCell} role="gridcell" data-column="change" class="cell-number cell-change flat">
        <span class="arrow">{changeArrow}</span> {change}
      </div>
      <div ref={percentCell} role="gridcell" data-column="percent" class="cell-number cell-percent flat">
        <span class="arrow">{percentArrow}</span> {percent}
      </div>
      <div role="gridcell" data-column="bid" class="cell-number cell-quote">
        {bid}
      </div>
      <div role="gridcell" data-column="ask" class="cell-number cell-quote">
        {ask}
      </div>
      <div role="gridcell" data-column="volume" class="cell-number">
        {volume}
      </div>
      <div role="gridcell" data-column="range" class="cell-range">
        <span class="low">{low}</span>
        <span class="range-bar" aria-hidden="true">
          <i ref={marker} />
        </span>
        <span>{high}</span>
      </div>
      <div role="gridcell" data-column="age" class="cell-number cell-age" title="⚠ means stale: not current">
        {age}
      </div>
    </div>
  )
}
