/** The star that puts a symbol on the watch list and takes it off. */
import { Show } from "solid-js"
import { useMarket } from "../market/context.ts"
import { StarFilledIcon, StarIcon } from "../shell/icons.tsx"
import { describeToggled } from "./list.ts"
import { watchlist } from "./watchlist.ts"

/** By a key or by a star; said in a toast, which is read out too. */
export const useStar = (): ((symbol: string) => void) => {
  const { toasts } = useMarket()
  return (symbol) => {
    const next = watchlist.toggle(symbol)
    toasts.say(describeToggled(symbol, next), next.outcome === "full" ? "warning" : "info")
  }
}

export const StarMark = (props: { readonly symbol: string }) => (
  <Show when={watchlist.has(props.symbol)} fallback={<StarIcon />}>
    <StarFilledIcon />
  </Show>
)

export const StarButton = (props: {
  readonly symbol: string
  readonly class?: string
  /** Where rows have a key for it, tabbing past a star in each of them helps no one. */
  readonly tabindex?: number
}) => {
  const star = useStar()
  return (
    <button
      type="button"
      class={`star-button ${props.class ?? ""}`}
      aria-pressed={watchlist.has(props.symbol)}
      aria-label={`${props.symbol} on the watch list`}
      title={watchlist.has(props.symbol) ? "Remove from the watch list" : "Add to the watch list"}
      tabindex={props.tabindex ?? 0}
      onClick={(event) => {
        event.stopPropagation()
        star(props.symbol)
      }}
      onDblClick={(event) => event.stopPropagation()}
    >
      <StarMark symbol={props.symbol} />
    </button>
  )
}
