/** One symbol: /s/AAPL. */
import { A, useNavigate, useParams } from "@solidjs/router"
import { createEffect, createMemo, createSignal, on, onCleanup, Show } from "solid-js"
import type { Refusal } from "../../../src/rpc/market.ts"
import {
  arrowOf,
  changeOf,
  changeRatioOf,
  directionOf,
  formatChange,
  formatPercent,
  formatPrice
} from "../format/numbers.ts"
import { formatAge } from "../format/time.ts"
import { useMarket } from "../market/context.ts"
import type { Quote } from "../market/QuoteBook.ts"
import { LabelBadge, SessionBadge } from "../shell/Badges.tsx"
import { BackIcon } from "../shell/icons.tsx"
import { useKeys } from "../shell/useKeys.ts"
import { decodePart, symbolOfPath } from "./address.ts"
import { PriceChart } from "./PriceChart.tsx"
import { QuotePanel } from "./QuotePanel.tsx"
import { neighbours, readRecent, withRecent, writeRecent } from "./recent.ts"

/** How many other symbols stand under the quote. */
const BESIDE = 8

const SymbolPage = () => {
  const market = useMarket()
  const params = useParams()
  const navigate = useNavigate()
  const symbol = createMemo(() => symbolOfPath(decodePart(params.symbol ?? "")))
  const listing = createMemo(() => market.listingOf(symbol()))
  let recent = readRecent()
  const [quote, setQuote] = createSignal<Quote | undefined>(undefined)

  createEffect(
    on(symbol, (name) => {
      setQuote(undefined)
      recent = withRecent(recent, name)
      writeRecent(recent)
      onCleanup(market.book.onPaint(name, (next) => setQuote(next)))
    })
  )
  onCleanup(() => market.watchSet.ask("symbol", []))

  // what was seen before this one; it does not reshuffle while one looks
  const beside = createMemo(() => {
    const loaded = market.listings()
    const name = symbol()
    return loaded.state === "ready" ? neighbours(name, recent, loaded.value, BESIDE) : []
  })
  createEffect(() => market.watchSet.ask("symbol", [symbol(), ...beside()]))

  const refusal = createMemo(() => market.refused().get(symbol()))
  const unknown = createMemo(
    () =>
      refusal() !== undefined ||
      (market.listings().state === "ready" && listing() === undefined && quote() === undefined)
  )
  const change = createMemo(() => changeOf(quote()?.last ?? null, quote()?.previousClose ?? null))
  const ratio = createMemo(() => changeRatioOf(quote()?.last ?? null, quote()?.previousClose ?? null))
  const direction = () => directionOf(change())
  const stale = createMemo(() => quote() !== undefined && market.isStale(symbol()))
  const age = createMemo(() => {
    market.second()
    const now = market.marketTime()
    const current = quote()
    return current === undefined || current.exchangeTime === 0 || now === null
      ? ""
      : formatAge(now - current.exchangeTime)
  })

  // once a second: a title that flickers helps no one
  createEffect(() => {
    market.second()
    const current = market.book.shown(symbol())
    const parts = [symbol()]
    if (current !== undefined && current.last !== null) {
      const moved = changeRatioOf(current.last, current.previousClose)
      parts.push(formatPrice(current.last), `${arrowOf(directionOf(moved))} ${formatPercent(moved)}`)
    }
    document.title = `${parts.join(" ")} · ${market.label() ?? ""} · LZStock`
  })

  useKeys((event) => {
    if (event.key === "Escape") navigate("/")
  })

  return (
    <Show when={!unknown()} fallback={<NotShown symbol={symbol()} refusal={refusal()} />}>
      <div class="flex min-h-0 flex-1 flex-col max-md:overflow-y-auto">
        <header class="flex shrink-0 flex-wrap items-center gap-x-6 gap-y-2 border-b border-line bg-panel px-3 py-2.5 md:px-4">
          <div class="flex min-w-0 items-center gap-2">
            <A href="/" class="icon-button -ml-1" aria-label="Back to the market table">
              <BackIcon />
            </A>
            <div class="min-w-0">
              <h1 class="flex items-baseline gap-2.5">
                <span class="text-lg leading-6 font-bold">{symbol()}</span>
                <span class="truncate text-[14px] text-soft">{listing()?.name}</span>
              </h1>
              <p class="text-[11.5px] text-soft">
                {listing() === undefined ? "\u00a0" : `${listing()?.exchange} · ${listing()?.sector}`}
              </p>
            </div>
          </div>
          <div class="flex flex-wrap items-baseline gap-x-3 gap-y-1" data-testid="headline">
            <Show when={quote()} fallback={<span class="skeleton h-8 w-56" />}>
              {(current) => (
                <>
                  <span
                    class="text-[26px] leading-8 font-semibold"
                    classList={{ "text-soft": stale() }}
                    data-testid="last"
                  >
                    {formatPrice(current().last)}
                  </span>
                  <span class={`text-[15px] font-medium ${stale() ? "flat" : direction()}`} data-testid="change">
                    <span class="arrow">{arrowOf(direction())}</span> {formatChange(change(), current().last)} (
                    {formatPercent(ratio())})
                  </span>
                  <LabelBadge label={market.label()} small />
                  <Show when={current().halted}>
                    <span class="tag tag-halted">HALTED</span>
                  </Show>
                  <span class="text-[11.5px]" classList={{ "text-warn font-semibold": stale(), "text-soft": !stale() }}>
                    {stale()
                      ? `⚠ Stale, ${age()}`
                      : age() === ""
                        ? "no trade yet"
                        : age() === "now"
                          ? "now"
                          : `${age()} ago`}
                  </span>
                </>
              )}
            </Show>
          </div>
          <div class="md:hidden">
            <SessionBadge />
          </div>
        </header>
        <div class="flex min-h-0 flex-1 flex-col md:flex-row">
          <div class="flex min-w-0 flex-1 flex-col max-md:h-[440px] max-md:flex-none">
            <PriceChart symbol={symbol()} quote={quote()} />
          </div>
          <QuotePanel quote={quote()} beside={beside()} />
        </div>
      </div>
    </Show>
  )
}
export default SymbolPage

/** Why a symbol's page is empty: there is no such symbol, or the server does not send it to this page. */
const NotShown = (props: { readonly symbol: string; readonly refusal: Refusal | undefined }) => {
  const tooMany = () => props.refusal?.reason === "too-many-symbols"
  createEffect(() => {
    document.title = `${props.symbol} ${tooMany() ? "not watched" : "not found"} · LZStock`
  })
  return (
    <div class="grid flex-1 place-items-center p-6 text-center">
      <div class="max-w-md">
        <h1 class="text-lg font-semibold">
          {tooMany() ? `Too many symbols are watched to show ${props.symbol}` : `“${props.symbol}” is not listed here`}
        </h1>
        <p class="mt-1 text-soft">
          {tooMany() ? `${props.refusal?.message}.` : "This server's feed has no such symbol."}
          {tooMany() ? "" : " The table can be filtered by company name too."}
        </p>
        <A href="/" class="mt-4 inline-block rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent">
          To the market table
        </A>
      </div>
    </div>
  )
}
