/** What is wrong with all values on the page, in words, while it is so. */
import { Match, Switch } from "solid-js"
import { newYorkClock } from "../format/time.ts"
import { useMarket } from "../market/context.ts"

export const Banner = () => {
  const market = useMarket()
  const line = "shrink-0 border-b border-warn bg-warn-wash px-4 py-1.5 font-medium text-warn"
  return (
    <Switch>
      <Match when={market.feedDownSince()}>
        {(since) => (
          <p role="alert" class={line}>
            ⚠ The feed is down since {newYorkClock(since())} ET. Values below are the last known ones; they go on by
            themselves when it is back.
          </p>
        )}
      </Match>
      <Match when={market.connection().status === "open" && market.watchRefused()}>
        {(reason) => (
          <p role="alert" class={line}>
            ⚠ The server does not send live values to this page: {reason()}
          </p>
        )}
      </Match>
    </Switch>
  )
}
