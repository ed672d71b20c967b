/** The chart's data as figures, newest first: for screen readers, for copying, for whoever prefers it. */
import { createMemo, createSignal, For, Show, untrack } from "solid-js"
import type { Bar, Interval } from "../../../src/rpc/market.ts"
import { arrowOf, directionOf, formatPrice, formatWhole } from "../format/numbers.ts"
import { useMarket } from "../market/context.ts"
import type { History } from "./history.ts"

const STEP = 200

export const BarsTable = (props: {
  readonly history: History
  readonly interval: Interval
  /** Oldest first: as the chart draws them. */
  readonly bars: ReadonlyArray<Bar>
  readonly timeOf: (bar: Bar) => string
}) => {
  const market = useMarket()
  const [shown, setShown] = createSignal(STEP)
  const rows = createMemo(() => {
    // once a second is enough for reading; the chart moves faster
    market.second()
    props.history.loading()
    return untrack(() => props.bars)
      .slice(-shown())
      .reverse()
  })
  const more = () => {
    if (shown() + STEP > props.bars.length) void props.history.loadOlder()
    setShown((count) => count + STEP)
  }
  return (
    <div
      class="absolute inset-0 overflow-auto"
      tabindex={0}
      role="region"
      aria-label="Bars as a table"
      data-testid="bars-table"
    >
      <table class="w-full border-collapse text-[12px]">
        <caption class="sr-only">Bars of {props.interval}, newest first, New York time</caption>
        <thead class="sticky top-0 bg-panel text-soft shadow-[0_1px_0_var(--line-strong)]">
          <tr>
            <th scope="col" class="px-4 py-1.5 text-left font-medium">
              New York time
            </th>
            <For each={["Open", "High", "Low", "Close", "Volume", "Trades"]}>
              {(name) => (
                <th scope="col" class="px-3 py-1.5 text-right font-medium">
                  {name}
                </th>
              )}
            </For>
            <th scope="col" class="px-4 py-1.5 text-left font-medium">
              State
            </th>
          </tr>
        </thead>
        <tbody>
          <For each={rows()}>
            {(bar) => (
              <tr class="border-t border-line hover:bg-hover">
                <td class="px-4 py-1 whitespace-nowrap">{props.timeOf(bar)}</td>
                <td class="px-3 text-right">{formatPrice(bar.open)}</td>
                <td class="px-3 text-right">{formatPrice(bar.high)}</td>
                <td class="px-3 text-right">{formatPrice(bar.low)}</td>
                <td class={`px-3 text-right ${directionOf(bar.close - bar.open)}`}>
                  <span class="arrow">{arrowOf(directionOf(bar.close - bar.open))}</span> {formatPrice(bar.close)}
                </td>
                <td class="px-3 text-right">{formatWhole(bar.volume)}</td>
                <td class="px-3 text-right">{formatWhole(bar.trades > 0 ? bar.trades : null)}</td>
                <td class="px-4">
                  <Show
                    when={bar.revision > 0}
                    fallback={<span class="text-soft">{bar.final ? "final" : "forming"}</span>}
                  >
                    <span class="rounded bg-warn-wash px-1 font-semibold text-warn">revised ×{bar.revision}</span>
                  </Show>
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
      <Show when={props.history.hasOlder() || shown() < props.bars.length}>
        <button type="button" class="m-4 rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent" onClick={more}>
          Older bars
        </button>
      </Show>
    </div>
  )
}
