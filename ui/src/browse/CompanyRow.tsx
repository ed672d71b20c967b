/** One line of the browse page; all of it leads to the symbol's page. */
import { A } from "@solidjs/router"
import type { BrowseItem } from "../../../src/rpc/client.ts"
import { MISSING } from "../format/numbers.ts"
import { LivePrice } from "../shell/LivePrice.tsx"
import { symbolPath } from "../symbol/address.ts"
import { StarButton } from "../watchlist/Star.tsx"

export const CompanyRow = (props: { readonly item: BrowseItem; readonly index: number; readonly top: number }) => {
  const about = () => [props.item.shareClass, props.item.industry].filter((text) => text !== null).join(" · ")
  return (
    <div
      role="row"
      class="company-row company-cells"
      aria-rowindex={props.index + 2}
      data-symbol={props.item.symbol}
      style={{ transform: `translateY(${props.top}px)` }}
    >
      <span role="cell" data-column="symbol">
        {/* stretched over the row by its ::after */}
        <A href={symbolPath(props.item.symbol)} class="company-link">
          {props.item.symbol}
        </A>
      </span>
      <span role="cell" data-column="name">
        <span class="truncate">{props.item.name}</span>
        <span class="company-about truncate">{about()}</span>
      </span>
      <span role="cell" data-column="sector" class="truncate">
        {props.item.sector ?? MISSING}
      </span>
      <span role="cell" data-column="exchange" class="truncate">
        {props.item.exchange ?? MISSING}
      </span>
      <span role="cell" data-column="price">
        <LivePrice symbol={props.item.symbol} dollars />
      </span>
      <span role="cell" data-column="star" class="relative">
        <StarButton symbol={props.item.symbol} class="company-star" />
      </span>
    </div>
  )
}
