/** Last price and change of one symbol, live; or a dash and why, where the feed does not tell it. */
import { Show } from "solid-js"
import {
  arrowOf,
  changeOf,
  changeRatioOf,
  directionOf,
  formatChange,
  formatPercent,
  formatPrice,
  MISSING
} from "../format/numbers.ts"
import { useMarket } from "../market/context.ts"
import { useQuote } from "../market/useQuote.ts"

export const LivePrice = (props: {
  readonly symbol: string
  /** The change in dollars too, where there is room for it. */
  readonly dollars?: boolean
  readonly class?: string
}) => {
  const market = useMarket()
  const quote = useQuote(() => props.symbol)
  /** Before the list of symbols is there nobody knows that it is not in it. */
  const told = () => market.listings().state !== "ready" || market.listingOf(props.symbol) !== undefined
  const last = () => quote()?.last ?? null
  const close = () => quote()?.previousClose ?? null
  const change = () => changeOf(last(), close())
  const percent = () => formatPercent(changeRatioOf(last(), close()))
  const stale = () => quote() !== undefined && market.isStale(props.symbol)
  return (
    <span class={`live-price ${props.class ?? ""}`} data-price={props.symbol}>
      <Show
        when={told()}
        fallback={
          <span class="text-soft" title={`No price is told here: this server's feed does not list ${props.symbol}`}>
            {MISSING}
            <span class="sr-only"> no price here</span>
          </span>
        }
      >
        <span class="live-last" classList={{ "text-soft": stale() }} data-testid="live-last">
          {formatPrice(last())}
          <Show when={stale()}>
            <span class="text-warn" title="Stale: the last known value">
              {" "}
              ⚠<span class="sr-only"> stale</span>
            </span>
          </Show>
        </span>
        <span class={`live-change ${stale() ? "flat" : directionOf(change())}`}>
          <span class="arrow">{last() === null ? "" : arrowOf(directionOf(change()))}</span>{" "}
          <Show when={props.dollars} fallback={percent()}>
            <span class="max-md:hidden">{formatChange(change(), last())} (</span>
            {percent()}
            <span class="max-md:hidden">)</span>
          </Show>
        </span>
      </Show>
    </span>
  )
}
