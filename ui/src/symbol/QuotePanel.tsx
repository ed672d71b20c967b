/** Everything the quote says, with the three clocks that say how fresh it is. */
import { createMemo, For, type JSX, Show } from "solid-js"
import type { CompanyProfile } from "../../../src/rpc/client.ts"
import { formatPrice, formatWhole, MISSING, priceDigits, rangePosition } from "../format/numbers.ts"
import { formatAge, formatLatency, newYorkClockMillis, newYorkDay } from "../format/time.ts"
import { useMarket } from "../market/context.ts"
import type { Quote } from "../market/QuoteBook.ts"
import { CompanyFacts } from "./CompanyFacts.tsx"
import { Neighbours } from "./Neighbours.tsx"

const Fact = (props: { readonly name: string; readonly children: JSX.Element; readonly title?: string }) => (
  <div class="flex items-baseline justify-between gap-3 py-[3px]" title={props.title}>
    <dt class="text-soft">{props.name}</dt>
    <dd class="text-right">{props.children}</dd>
  </div>
)

const Side = (props: {
  readonly name: string
  readonly price: number | null
  readonly size: number
  readonly stale: boolean
  readonly right?: boolean
}) => (
  <div class={props.right === true ? "text-right" : ""}>
    <div class="text-[11px] text-soft">{props.name}</div>
    <div class="text-[17px] leading-6 font-semibold" classList={{ "text-soft": props.stale }}>
      {formatPrice(props.price)}
    </div>
    <div class="text-[11.5px] text-soft">× {formatWhole(props.price === null ? null : props.size)}</div>
  </div>
)

export const QuotePanel = (props: {
  readonly quote: Quote | undefined
  readonly beside: ReadonlyArray<string>
  /** Once it is known. */
  readonly profile: CompanyProfile | undefined
}) => {
  const market = useMarket()
  const q = () => props.quote
  const stale = createMemo(() => {
    const quote = q()
    return quote !== undefined && market.isStale(quote.symbol)
  })
  const spread = createMemo(() => {
    const quote = q()
    return quote === undefined || quote.bid === null || quote.ask === null ? null : quote.ask - quote.bid
  })
  const spreadText = () => {
    const value = spread()
    return value === null ? MISSING : Math.max(0, value).toFixed(priceDigits(q()?.ask ?? null))
  }
  const bidShare = createMemo(() => {
    const quote = q()
    if (quote === undefined || quote.bidSize + quote.askSize === 0) return 0.5
    if (quote.bid === null || quote.ask === null) return quote.bid !== null ? 1 : quote.ask !== null ? 0 : 0.5
    return quote.bidSize / (quote.bidSize + quote.askSize)
  })
  const position = createMemo(() => rangePosition(q()?.low ?? null, q()?.high ?? null, q()?.last ?? null))
  const age = createMemo(() => {
    market.second()
    const now = market.marketTime()
    const quote = q()
    return quote === undefined || quote.exchangeTime === 0 || now === null
      ? MISSING
      : formatAge(now - quote.exchangeTime)
  })
  // a recorded day's time, or a simulated one's, has nothing to do with the clock on the wall
  const ownTime = () => {
    const quote = q()
    return quote !== undefined && Math.abs(quote.ingestTime - quote.exchangeTime) > 60_000
  }
  const clocks = createMemo(() => {
    const quote = q()
    // nothing traded yet: it has been nowhere
    if (quote === undefined || quote.exchangeTime === 0) return []
    return [
      {
        name: "Exchange",
        time: quote.exchangeTime,
        note: ownTime() ? newYorkDay(quote.exchangeTime) : age()
      },
      {
        name: "Ingest",
        time: quote.ingestTime,
        note: ownTime() ? "wall clock" : `+${formatLatency(quote.ingestTime - quote.exchangeTime)}`
      },
      { name: "Sent", time: quote.sentTime, note: `+${formatLatency(quote.sentTime - quote.ingestTime)}` }
    ]
  })
  return (
    <section
      class="shrink-0 border-line p-4 max-md:border-t md:w-72 md:overflow-auto md:border-l"
      aria-label="Quote"
      data-testid="quote-panel"
    >
      <Show when={stale()}>
        <p class="mb-2 text-[11.5px] font-semibold text-warn">⚠ Stale: the last known values</p>
      </Show>
      <div class="flex justify-between gap-4">
        <Side name="Bid" price={q()?.bid ?? null} size={q()?.bidSize ?? 0} stale={stale()} />
        <div class="pt-4 text-center text-[11.5px] text-soft">
          spread
          <br />
          {spreadText()}
        </div>
        <Side name="Ask" price={q()?.ask ?? null} size={q()?.askSize ?? 0} stale={stale()} right />
      </div>
      <div
        aria-hidden="true"
        class="mt-2 flex h-1 gap-0.5 overflow-hidden rounded-full"
        classList={{ invisible: (q()?.bidSize ?? 0) + (q()?.askSize ?? 0) === 0 }}
      >
        <div class="bg-up" style={{ width: `${(bidShare() * 100).toFixed(1)}%` }} />
        <div class="flex-1 bg-down" />
      </div>

      <div class="mt-5 text-[11px] text-soft">Day range</div>
      <div class="mt-2 flex items-center gap-2.5">
        <span>{formatPrice(q()?.low ?? null)}</span>
        <span aria-hidden="true" class="relative h-1 flex-1 rounded-full bg-strong">
          <Show when={position() !== null}>
            <i
              class="absolute -top-1 -ml-0.5 h-3 w-1 rounded bg-ink"
              style={{ left: `${((position() ?? 0) * 100).toFixed(1)}%` }}
            />
          </Show>
        </span>
        <span>{formatPrice(q()?.high ?? null)}</span>
      </div>

      <dl class="mt-4 border-t border-line pt-3">
        <Fact name="Open">{formatPrice(q()?.open ?? null)}</Fact>
        <Fact name="Previous close">{formatPrice(q()?.previousClose ?? null)}</Fact>
        <Fact name="Volume">
          <span data-testid="volume">{formatWhole(q()?.volume ?? null)}</span>
        </Fact>
        <Fact name="Trades">{formatWhole(q()?.trades ?? null)}</Fact>
        <Fact name="Last size">{formatWhole(q()?.last == null ? null : (q()?.lastSize ?? null))}</Fact>
      </dl>

      <h2 class="mt-4 border-t border-line pt-3 text-[11px] font-normal text-soft">
        Where this price has been, New York time
      </h2>
      <dl class="mt-1" data-testid="clocks">
        <For each={clocks()}>
          {(clock) => (
            <div class="grid grid-cols-[5rem_1fr_auto] items-baseline gap-2 py-[3px]">
              <dt class="text-soft">{clock.name}</dt>
              <dd>{newYorkClockMillis(clock.time)}</dd>
              <dd class="text-right text-[11.5px] text-soft">{clock.note}</dd>
            </div>
          )}
        </For>
      </dl>
      <Show when={q()}>
        {(quote) => (
          <p class="mt-3 border-t border-line pt-3 text-[11.5px] text-soft">
            Update {formatWhole(quote().seq)} of its epoch, {formatWhole(quote().folded)} folded into it.
          </p>
        )}
      </Show>
      <Show when={props.profile}>
        {(profile) => (
          <div class="mt-4 border-t border-line pt-3">
            <h2 class="mb-1 text-[11px] font-normal text-soft">Company</h2>
            <CompanyFacts profile={profile()} />
          </div>
        )}
      </Show>
      <Neighbours symbols={props.beside} />
    </section>
  )
}
