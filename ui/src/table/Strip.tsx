/** The market in one line above the table: how many rise and fall, and the day's extremes. Once a second. */

import { A } from "@solidjs/router"
import { createMemo, Show } from "solid-js"
import {
  arrowOf,
  changeRatioOf,
  directionOf,
  formatCompact,
  formatPercent,
  formatPrice,
  formatWhole,
  MISSING
} from "../format/numbers.ts"
import { useMarket } from "../market/context.ts"
import { symbolPath } from "../symbol/address.ts"
import type { Breadth } from "./order.ts"

const Extreme = (props: {
  readonly title: string
  readonly symbol: string | null
  readonly show: "percent" | "value"
}) => {
  const market = useMarket()
  const quote = createMemo(() => {
    market.second()
    return props.symbol === null ? undefined : market.book.shown(props.symbol)
  })
  const dollars = () => {
    const current = quote()
    return current === undefined || current.last === null ? MISSING : `$${formatCompact(current.last * current.volume)}`
  }
  const stale = () => props.symbol !== null && market.isStale(props.symbol)
  const ratio = () => changeRatioOf(quote()?.last ?? null, quote()?.previousClose ?? null)
  return (
    <div class="min-w-0 border-l border-line pl-4">
      <div class="truncate text-[11px] text-soft">{props.title}</div>
      <Show when={props.symbol} fallback={<div class="skeleton my-0.5 h-4 w-28">–</div>}>
        {(symbol) => (
          <A
            href={symbolPath(symbol())}
            class="flex items-baseline gap-2 whitespace-nowrap hover:text-accent"
            title={market.listingOf(symbol())?.name}
          >
            <b class="font-semibold">{symbol()}</b>
            <span>{formatPrice(quote()?.last ?? null)}</span>
            <Show when={props.show === "percent"} fallback={<span class="text-soft">{dollars()}</span>}>
              <span class={stale() ? "flat" : directionOf(ratio())}>
                <span class="arrow">{arrowOf(directionOf(ratio()))}</span>
                {formatPercent(ratio())}
              </span>
            </Show>
            <Show when={stale()}>
              <span class="text-warn" title="Stale: the last known value">
                ⚠<span class="sr-only"> stale</span>
              </span>
            </Show>
          </A>
        )}
      </Show>
    </div>
  )
}

export const Strip = (props: {
  readonly breadth: Breadth
  /** How many symbols it counts when that is not the whole list: only these are watched. */
  readonly onScreen: number | null
}) => {
  const of = () => (props.onScreen === null ? "" : `, of ${formatWhole(props.onScreen)} on screen`)
  const known = () => Math.max(1, props.breadth.up + props.breadth.down + props.breadth.flat)
  const share = (count: number) => `${((count / known()) * 100).toFixed(1)}%`
  return (
    <section
      aria-label="Market breadth"
      class="hidden shrink-0 grid-cols-[minmax(220px,1.2fr)_1fr_1fr_1fr] gap-4 border-b border-line bg-panel px-4 py-2 md:grid"
    >
      <div class="min-w-0">
        <div class="flex justify-between text-[11px] text-soft">
          <span>
            <b class="up">▲ {props.breadth.up}</b> rising
          </span>
          <span>
            {props.breadth.flat} unchanged{of()}
          </span>
          <span>
            falling <b class="down">{props.breadth.down} ▼</b>
          </span>
        </div>
        <div aria-hidden="true" class="mt-1.5 flex h-1.5 gap-0.5 overflow-hidden rounded-full bg-raised">
          <div class="bg-up" style={{ width: share(props.breadth.up) }} />
          <div class="bg-strong" style={{ width: share(props.breadth.flat) }} />
          <div class="bg-down" style={{ width: share(props.breadth.down) }} />
        </div>
      </div>
      <Extreme title={`Strongest${of()}`} symbol={props.breadth.best} show="percent" />
      <Extreme title={`Weakest${of()}`} symbol={props.breadth.worst} show="percent" />
      <Extreme title={`Most traded, dollars${of()}`} symbol={props.breadth.busiest} show="value" />
    </section>
  )
}
