/** The chart with its range buttons, legend and table view. */
import { Select } from "@kobalte/core/select"
import { ToggleGroup } from "@kobalte/core/toggle-group"
import { batch, createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js"
import type { Bar, Interval } from "../../../src/rpc/market.ts"
import { directionOf, formatCompact, formatPercent, formatPrice, formatWhole } from "../format/numbers.ts"
import { newYorkClock, newYorkLongDate, newYorkMinute } from "../format/time.ts"
import { useMarket } from "../market/context.ts"
import type { Quote } from "../market/QuoteBook.ts"
import { LabelBadge } from "../shell/Badges.tsx"
import { CheckIcon, ChevronIcon } from "../shell/icons.tsx"
import { theme } from "../shell/theme.ts"
import { isTyping } from "../shell/ui.ts"
import { BarsTable } from "./BarsTable.tsx"
import { makePriceChart } from "./chart.ts"
import { makeHistory } from "./history.ts"
import { intervalFor, intervals, intervalsFor, isDaily, type RangeName, rangeNames } from "./ranges.ts"

const barTime = (bar: Bar, interval: Interval): string =>
  isDaily(interval)
    ? newYorkLongDate(bar.time)
    : `${newYorkLongDate(bar.time)} ${interval.endsWith("s") ? newYorkClock(bar.time) : newYorkMinute(bar.time)}`

const Legend = (props: { readonly bar: Bar | null; readonly interval: Interval }) => (
  <div
    class="pointer-events-none absolute top-2 left-3 z-10 flex max-w-[85%] flex-wrap gap-x-3 rounded bg-panel/80 px-1 text-[11.5px]"
    data-testid="legend"
  >
    <Show when={props.bar} fallback={<span class="text-soft">–</span>}>
      {(bar) => {
        const direction = () => directionOf(bar().close - bar().open)
        return (
          <>
            <span class="text-soft">{barTime(bar(), props.interval)}</span>
            <For each={["open", "high", "low", "close"] as const}>
              {(key) => (
                <span>
                  <abbr class="text-soft no-underline" title={key}>
                    {key.charAt(0).toUpperCase()}
                  </abbr>{" "}
                  <span class={direction()}>{formatPrice(bar()[key])}</span>
                </span>
              )}
            </For>
            <span class={direction()}>{formatPercent((bar().close - bar().open) / bar().open)}</span>
            <span>
              <abbr class="text-soft no-underline" title="volume, shares">
                V
              </abbr>{" "}
              {formatCompact(bar().volume)}
            </span>
            <Show when={bar().trades > 0}>
              <span class="text-soft">{formatWhole(bar().trades)} trades</span>
            </Show>
            <Show when={!bar().final}>
              <span class="text-accent">forming</span>
            </Show>
            <Show when={bar().revision > 0}>
              <span class="rounded bg-warn-wash px-1 font-semibold text-warn">revised ×{bar().revision}</span>
            </Show>
          </>
        )
      }}
    </Show>
  </div>
)

export const PriceChart = (props: { readonly symbol: string; readonly quote: Quote | undefined }) => {
  const market = useMarket()
  const [range, setRangeOnly] = createSignal<RangeName>("1D")
  const [chosen, setChosen] = createSignal<Interval | null>(null)
  const setRange = (name: RangeName) => {
    if (name === range()) return
    batch(() => {
      setChosen(null)
      setRangeOnly(name)
    })
  }
  const [view, setView] = createSignal<"chart" | "table">("chart")
  const [hovered, setHovered] = createSignal<Bar | null>(null)
  const [newest, setNewest] = createSignal<Bar | null>(null)
  const interval = createMemo(() => intervalFor(range(), chosen()))
  let element!: HTMLDivElement
  let chart: ReturnType<typeof makePriceChart> | null = null

  const history = makeHistory(
    market.client,
    () => market.marketTime() ?? Date.now(),
    (change) => {
      const bars = history.bars()
      setNewest(bars.at(-1) ?? null)
      if (chart === null || market.frozen()) return
      if (change.kind === "last" && chart.setLast(change.bar, bars)) return
      chart.setBars(bars, interval())
      if (change.kind === "range") chart.showFrom(history.start())
    }
  )

  onMount(() => {
    const made = makePriceChart(element, {
      onHover: setHovered,
      onNearStart: () => {
        if (!history.loading()) void history.loadOlder()
      }
    })
    chart = made
    onCleanup(() => {
      chart = null
      made.remove()
    })
    createEffect(
      on([() => props.symbol, range, interval], ([symbol, by, of]) => {
        setHovered(null)
        setNewest(null)
        made.setBars([], of)
        void history.load({ symbol, range: by, interval: of })
      })
    )
    createEffect(
      on(
        () => market.connection().status,
        (status) => {
          if (status !== "open" || history.error() === null || history.count() > 0) return
          void history.load({ symbol: props.symbol, range: range(), interval: interval() })
        },
        { defer: true }
      )
    )
    createEffect(on(theme.dark, () => made.dress(), { defer: true }))
    createEffect(() => made.setPreviousClose(props.quote?.previousClose ?? null, range() === "1D"))
    createEffect(
      on(
        market.frozen,
        (frozen) => {
          if (!frozen) made.setBars(history.bars(), interval())
        },
        { defer: true }
      )
    )
  })

  const onKey = (event: KeyboardEvent) => {
    if (isTyping(event)) return
    const name = rangeNames[Number(event.key) - 1]
    if (name !== undefined) setRange(name)
  }
  onMount(() => {
    document.addEventListener("keydown", onKey)
    onCleanup(() => document.removeEventListener("keydown", onKey))
  })

  const segment =
    "h-7 rounded px-2.5 text-[12px] font-medium text-soft hover:text-ink data-[pressed]:bg-accent-wash data-[pressed]:font-semibold data-[pressed]:text-accent"
  return (
    <section class="flex min-h-0 min-w-0 flex-1 flex-col" aria-label="Price history">
      <div class="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-line px-3 py-1.5 md:px-4">
        <ToggleGroup
          class="flex gap-0.5"
          aria-label="Range"
          value={range()}
          onChange={(value) => {
            const name = rangeNames.find((known) => known === value)
            if (name !== undefined) setRange(name)
          }}
        >
          <For each={rangeNames}>
            {(name) => (
              <ToggleGroup.Item value={name} class={segment} data-testid={`range-${name}`}>
                {name}
              </ToggleGroup.Item>
            )}
          </For>
        </ToggleGroup>
        {/* made anew for each range: the list of lengths differs, and Kobalte would carry the old choice over */}
        <Show when={range()} keyed>
          {(name) => (
            <Select<Interval>
              options={[...intervalsFor(name)]}
              value={interval()}
              onChange={(value) => setChosen(value)}
              gutter={4}
              itemComponent={(item) => (
                <Select.Item item={item.item} class="menu-item">
                  <Select.ItemLabel>
                    {intervals.find((known) => known.value === item.item.rawValue)?.label}
                  </Select.ItemLabel>
                  <Select.ItemIndicator>
                    <CheckIcon />
                  </Select.ItemIndicator>
                </Select.Item>
              )}
            >
              <Select.Trigger
                class="field flex h-7 items-center gap-1.5 px-2 text-[12px]"
                aria-label="Length of a bar"
                data-testid="interval"
              >
                <Select.Value<Interval>>{(state) => state.selectedOption()}</Select.Value>
                <Select.Icon class="text-soft">
                  <ChevronIcon />
                </Select.Icon>
              </Select.Trigger>
              <Select.Portal>
                <Select.Content class="menu">
                  <Select.Listbox />
                </Select.Content>
              </Select.Portal>
            </Select>
          )}
        </Show>
        <Show when={history.label() !== null && history.label() !== market.label()}>
          <LabelBadge label={history.label()} small />
        </Show>
        <span class="text-soft md:max-lg:hidden" data-testid="bar-count">
          {formatWhole(history.count())} bars
          <Show when={history.revised() > 0}>, {formatWhole(history.revised())} revised (R)</Show>
        </span>
        <ToggleGroup
          class="ml-auto flex gap-0.5"
          aria-label="View"
          value={view()}
          onChange={(value) => {
            if (value === "chart" || value === "table") setView(value)
          }}
        >
          <ToggleGroup.Item value="chart" class={segment}>
            Chart
          </ToggleGroup.Item>
          <ToggleGroup.Item value="table" class={segment} data-testid="view-table">
            Table
          </ToggleGroup.Item>
        </ToggleGroup>
      </div>
      <div class="relative min-h-72 flex-1 bg-panel">
        <div
          ref={element}
          class="absolute inset-0"
          classList={{ invisible: view() !== "chart" }}
          role="group"
          aria-label={`Candlesticks of ${props.symbol}, ${range()} in bars of ${interval()}. The Table button shows the same as figures.`}
          data-testid="chart"
          data-bars={history.count()}
        />
        <Show when={view() === "chart"}>
          <Legend bar={hovered() ?? newest()} interval={interval()} />
        </Show>
        <Show when={view() === "table"}>
          <BarsTable
            history={history}
            interval={interval()}
            newest={newest()}
            timeOf={(bar) => barTime(bar, interval())}
          />
        </Show>
        <Show when={history.loading() && history.count() === 0}>
          <div class="absolute inset-0 grid place-items-center bg-panel" aria-busy="true">
            <div class="skeleton h-2/3 w-11/12" />
          </div>
        </Show>
        <Show when={!history.loading() && history.count() === 0}>
          <div class="absolute inset-0 grid place-items-center bg-panel p-6 text-center">
            <div>
              <p class="font-semibold">
                {history.error() === null ? "Nothing traded in this range yet" : "No history"}
              </p>
              <p class="mt-1 max-w-sm text-soft">
                {history.error() ?? "The first trade starts the chart. A longer range may have older bars."}
              </p>
              <button
                type="button"
                class="mt-4 rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent"
                onClick={() => history.load({ symbol: props.symbol, range: range(), interval: interval() })}
              >
                Try again
              </button>
            </div>
          </div>
        </Show>
      </div>
    </section>
  )
}
