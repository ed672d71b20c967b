/** A few other symbols, live, one click away from the chart. */

import { A } from "@solidjs/router"
import { For } from "solid-js"
import { arrowOf, changeRatioOf, directionOf, formatPercent, formatPrice } from "../format/numbers.ts"
import { useMarket } from "../market/context.ts"
import { useQuote } from "../market/useQuote.ts"
import { symbolPath } from "./address.ts"

const Neighbour = (props: { readonly symbol: string }) => {
  const market = useMarket()
  const quote = useQuote(() => props.symbol)
  const ratio = () => changeRatioOf(quote()?.last ?? null, quote()?.previousClose ?? null)
  return (
    <li>
      <A
        href={symbolPath(props.symbol)}
        class="-mx-2 grid grid-cols-[1fr_auto_5.5rem] gap-3 rounded px-2 py-[3px] hover:bg-raised"
        title={market.listingOf(props.symbol)?.name}
      >
        <span class="font-semibold">{props.symbol}</span>
        <span>{formatPrice(quote()?.last ?? null)}</span>
        <span class={`text-right ${market.isStale(props.symbol) ? "flat" : directionOf(ratio())}`}>
          <span class="arrow">{arrowOf(directionOf(ratio()))}</span> {formatPercent(ratio())}
        </span>
      </A>
    </li>
  )
}

export const Neighbours = (props: { readonly symbols: ReadonlyArray<string> }) => (
  <nav aria-label="Other symbols" class="mt-4 border-t border-line pt-3">
    <h2 class="mb-1 text-[11px] font-normal text-soft">Seen lately, and others of the sector</h2>
    <ul>
      <For each={props.symbols}>{(symbol) => <Neighbour symbol={symbol} />}</For>
    </ul>
  </nav>
)
