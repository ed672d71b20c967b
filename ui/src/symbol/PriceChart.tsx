/** The chart with its range buttons, legend and table view. */
import { ToggleGroup } from "@kobalte/core/toggle-group"
import { batch, createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js"
import type { Bar, Interval } from "../../../src/rpc/market.ts"
import { directionOf, formatCompact, formatPercent, formatPrice, formatWhole } from "../format/numbers.ts"
import { newYorkClock, newYorkLongDate, newYorkMinute } from "../format/time.ts"
import { useMarket } from "../market/context.ts"
import type { Quote } from "../market/QuoteBook.ts"
import { LabelBadge } from "../shell/Badges.tsx"
import { Choice } from "../shell/Choice.tsx"
import { theme } from "../shell/theme.ts"
import { useKeys } from "../shell/useKeys.ts"
import { BarsTable } from "./BarsTable.tsx"
import { makePriceChart } from "./chart.ts"
import { makeHistory } from "./history.ts"
import { intervalFor, intervals, intervalsFor, isDaily, type RangeName, rangeNames } from "./ranges.ts"

/** More live bars than this at once, as after a lost connection, are drawn all anew. */
const MOST_ONE_BY_ONE = 8

const barTime = (bar: Bar, interval: Interval): string =>
  isDaily(interval)
    ? newYorkLongDate(bar.time)
    : `${newYorkLongDate(bar.time)} ${interval.endsWith("s") ? newYorkClock(bar.time) : newYorkMinute(bar.time)}`

const Legend = (props: { readonly bar: Bar | null; readonly interval: Interval; readonly stale: boolean }) => (
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
              <span class={props.stale ? "text-soft" : "text-accent"}>forming</span>
            </Show>
            <Show when={props.stale}>
              <span class="font-semibold text-warn">⚠ Stale</span>
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
  const [shown, setShown] = createSignal<{ readonly bars: ReadonlyArray<Bar> }>({ bars: [] })
  const newest = () => shown().bars.at(-1) ?? null
  const interval = createMemo(() => intervalFor(range(), chosen()))
  let element!: HTMLDivElement
  let chart: ReturnType<typeof makePriceChart> | null = null

  const history = makeHistory(
    market.client,
    () => market.marketTime() ?? Date.now(),
    requestAnimationFrame,
    (change) => {
      // a range just chosen is drawn even while frozen: it shows nothing yet
      if (market.frozen() && change.kind !== "range") {
        if (change.kind === "older") show([...olderThan(shown().bars[0]), ...shown().bars])
        return
      }
      if (change.kind === "live" && !change.trimmed && drawLast(change.bars)) {
        // the same array with newer bars in it
        setShown({ bars: history.bars() })
        return
      }
      show(history.bars())
      if (change.kind === "range" || change.kind === "day") chart?.showFrom(history.start())
    }
  )
  /** What is drawn; while frozen it stays behind what history has. */
  const show = (bars: ReadonlyArray<Bar>) => {
    setShown({ bars: market.frozen() ? [...bars] : bars })
    chart?.setBars(bars, interval())
  }
  const olderThan = (oldest: Bar | undefined) =>
    history.bars().filter((bar) => oldest !== undefined && bar.time < oldest.time)
  const drawLast = (live: ReadonlyArray<Bar>) => {
    const drawing = chart
    return drawing !== null && live.length <= MOST_ONE_BY_ONE && live.every((bar) => drawing.setLast(bar))
  }
  const reload = () => history.load({ symbol: props.symbol, range: range(), interval: interval() })
  const stale = createMemo(() => market.isStale(props.symbol) || history.stopped() !== null)
  /** What is wrong with the bars there are, in a line. */
  const trouble = createMemo(() => {
    if (history.count() === 0) return null
    const stopped = history.stopped()
    const error = history.error()
    return stopped !== null ? `Live bars stopped: ${stopped}` : error !== null ? `Not all bars came: ${error}` : null
  })

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
        setShown({ bars: [] })
        made.setBars([], of)
        void history.load({ symbol, range: by, interval: of })
      })
    )
    createEffect(
      on(
        () => market.connection().status,
        (status) => {
          if (status !== "open" || history.error() === null || history.count() > 0) return
          void reload()
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
          if (frozen) setShown({ bars: [...history.bars()] })
          else show(history.bars())
        },
        { defer: true }
      )
    )
  })

  useKeys((event) => {
    const name = rangeNames[Number(event.key) - 1]
    if (name !== undefined) setRange(name)
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
            <Choice
              label="Length of a bar"
              options={intervalsFor(name)}
              value={interval()}
              onChoose={setChosen}
              nameOf={(value) => intervals.find((known) => known.value === value)?.label ?? value}
              testId="interval"
              class="h-7 gap-1.5 px-2 text-[12px]"
            />
          )}
        </Show>
        <Show when={history.label() !== null && history.label() !== market.label()}>
          <LabelBadge label={history.label()} small />
        </Show>
        <span class="text-soft md:max-lg:hidden" data-testid="bar-count">
          {formatWhole(history.count())} bars
          <Show when={history.revised() > 0}>, {formatWhole(history.revised())} revised (R)</Show>
        </span>
        <Show when={trouble()}>
          {(text) => (
            <span role="status" class="min-w-0 truncate font-semibold text-warn" data-testid="chart-trouble">
              ⚠ {text()}{" "}
              <button type="button" class="underline" onClick={reload}>
                Try again
              </button>
            </span>
          )}
        </Show>
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
          <Legend bar={hovered() ?? newest()} interval={interval()} stale={stale()} />
        </Show>
        <Show when={view() === "table"}>
          <BarsTable
            history={history}
            interval={interval()}
            bars={shown().bars}
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
                {history.error() === null && history.stopped() === null
                  ? "Nothing traded in this range yet"
                  : "No history"}
              </p>
              <p class="mt-1 max-w-sm text-soft">
                {history.error() ??
                  history.stopped() ??
                  "The first trade starts the chart. A longer range may have older bars."}
              </p>
              <button
                type="button"
                class="mt-4 rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent"
                onClick={reload}
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
