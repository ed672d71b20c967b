/** One symbol: /s/AAPL. */
import { useNavigate, useParams } from "@solidjs/router"
import { createEffect, createMemo, on, onCleanup, Show } from "solid-js"
import { symbolPattern } from "../../../src/rpc/market.ts"
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
import { useQuote } from "../market/useQuote.ts"
import { LabelBadge, SessionBadge } from "../shell/Badges.tsx"
import { useKeys } from "../shell/useKeys.ts"
import { useStar } from "../watchlist/Star.tsx"
import { decodePart, symbolOfPath } from "./address.ts"
import { Headline } from "./Headline.tsx"
import { PriceChart } from "./PriceChart.tsx"
import { QuotePanel } from "./QuotePanel.tsx"
import { neighbours, readRecent, withRecent, writeRecent } from "./recent.ts"
import { useCompany } from "./useCompany.ts"
import { viewOf } from "./view.ts"
import { WithoutPrices } from "./WithoutPrices.tsx"

/** How many other symbols stand under the quote. */
const BESIDE = 8

const SymbolPage = () => {
  const market = useMarket()
  const params = useParams()
  const navigate = useNavigate()
  const symbol = createMemo(() => symbolOfPath(decodePart(params.symbol ?? "")))
  const listing = createMemo(() => market.listingOf(symbol()))
  const company = useCompany(symbol)
  const profile = () => {
    const answer = company.answer()
    return answer.state === "ready" ? answer.profile : undefined
  }
  const quote = useQuote(symbol)
  onCleanup(() => market.watchSet.ask("symbol", []))

  // what was seen before this one; it does not reshuffle while one looks
  let recent = readRecent()
  createEffect(
    on(symbol, () => {
      recent = readRecent()
    })
  )
  // only what there is: a mistyped address is not worth remembering, nor a symbol that is another's now
  const isSomething = createMemo(() => listing() !== undefined || profile()?.instrument.symbol === symbol())
  createEffect(
    on([symbol, isSomething], ([name, exists]) => {
      if (exists) writeRecent(withRecent(readRecent(), name))
    })
  )
  const beside = createMemo(() => {
    const loaded = market.listings()
    const name = symbol()
    return loaded.state === "ready" ? neighbours(name, recent, loaded.value, BESIDE) : []
  })
  // anything may stand in an address: what cannot be a symbol is not asked for
  const itself = () => (symbolPattern.test(symbol()) ? [symbol()] : [])
  createEffect(() => market.watchSet.ask("symbol", [...itself(), ...beside()]))

  const view = createMemo(() => {
    const refusal = market.refused().get(symbol())
    return viewOf({
      isListed: market.listings().state === "ready" ? listing() !== undefined : refusal === undefined ? null : false,
      hasQuote: quote() !== undefined,
      tooMany: refusal?.reason === "too-many-symbols" ? refusal.message : null,
      company: company.answer()
    })
  })
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

  const star = useStar()
  // once a second: a title that flickers helps no one
  createEffect(() => {
    if (view().show !== "prices") return
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
    if (event.key === "w") star(symbol())
  })

  return (
    <Show
      when={view().show === "prices"}
      fallback={<WithoutPrices symbol={symbol()} view={view()} onRetry={company.reload} />}
    >
      <div class="flex min-h-0 flex-1 flex-col max-md:overflow-y-auto">
        <Headline symbol={symbol()} listing={listing()} profile={profile()}>
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
        </Headline>
        <div class="flex min-h-0 flex-1 flex-col md:flex-row">
          <div class="flex min-w-0 flex-1 flex-col max-md:h-[440px] max-md:flex-none">
            <PriceChart symbol={symbol()} quote={quote()} />
          </div>
          <QuotePanel quote={quote()} beside={beside()} profile={profile()} />
        </div>
      </div>
    </Show>
  )
}
export default SymbolPage
