/** The symbol's name and company, at the top of its page. */
import { A } from "@solidjs/router"
import { type JSX, Match, Show, Switch } from "solid-js"
import type { CompanyProfile, Listing } from "../../../src/rpc/client.ts"
import { browsePath } from "../browse/address.ts"
import { BackIcon } from "../shell/icons.tsx"
import { StarButton } from "../watchlist/Star.tsx"
import { symbolPath } from "./address.ts"
import { OtherInstruments } from "./CompanyFacts.tsx"
import { othersOf } from "./company.ts"
import { standingOf } from "./view.ts"

const NOTHING = "\u00a0"

export const Headline = (props: {
  readonly symbol: string
  readonly listing: Listing | undefined
  readonly profile: CompanyProfile | undefined
  readonly children?: JSX.Element
}) => {
  const company = () => props.profile?.company
  const exchange = () => props.profile?.instrument.exchange ?? props.listing?.exchange
  const sector = () => company()?.sector ?? props.listing?.sector
  const industry = () => {
    const known = company()
    if (known === undefined || known.industry === null) return undefined
    return known.sic === null ? known.industry : `${known.industry} (SIC ${known.sic})`
  }
  /** Another symbol is meant by it: that one can be starred. */
  const isRenamed = () => props.profile !== undefined && standingOf(props.symbol, props.profile).is === "renamed"
  return (
    <header class="flex shrink-0 flex-wrap items-center gap-x-6 gap-y-2 border-b border-line bg-panel px-3 py-2.5 md:px-4">
      <div class="flex min-w-0 items-center gap-2">
        <A href="/" class="icon-button -ml-1" aria-label="Back to the market table">
          <BackIcon />
        </A>
        <div class="min-w-0">
          <div class="flex min-w-0 items-center gap-1.5">
            <h1 class="flex min-w-0 items-baseline gap-2.5">
              <span class="text-lg leading-6 font-bold">{props.symbol}</span>
              <span class="truncate text-[14px] text-soft">{company()?.name ?? props.listing?.name}</span>
            </h1>
            <Show when={props.listing !== undefined || !isRenamed()}>
              <StarButton symbol={props.symbol} class="-my-1 max-md:size-9" />
            </Show>
          </div>
          <p class="flex flex-wrap gap-x-1 text-[11.5px] text-soft" data-testid="company-line">
            <Show when={exchange()}>{(name) => <span>{name()}</span>}</Show>
            <Show when={sector()} fallback={NOTHING}>
              {(name) => (
                <span>
                  {exchange() ? "· " : ""}
                  <A
                    href={browsePath({ filter: { sector: name() } })}
                    class="rounded hover:text-accent hover:underline"
                  >
                    {name()}
                  </A>
                </span>
              )}
            </Show>
            <Show when={industry()}>{(name) => <span class="max-xl:hidden">· {name()}</span>}</Show>
            <Show when={props.profile}>
              {(profile) => (
                <>
                  <Show when={othersOf(profile().company, profile().instrument).length > 0}>
                    <span>
                      {exchange() || sector() ? "· " : ""}also <OtherInstruments profile={profile()} />
                    </span>
                  </Show>
                  {/* where there are no prices the page itself says it */}
                  <Show when={props.listing}>
                    <Today symbol={props.symbol} profile={profile()} />
                  </Show>
                </>
              )}
            </Show>
          </p>
        </div>
      </div>
      {props.children}
    </header>
  )
}

/** A recorded day may list what has another name by now, or is traded no more. */
const Today = (props: { readonly symbol: string; readonly profile: CompanyProfile }) => {
  const standing = () => standingOf(props.symbol, props.profile)
  return (
    <Switch>
      <Match when={standing().is === "renamed"}>
        <span class="text-warn">
          ·{" "}
          <A href={symbolPath(standing().now)} class="underline">
            {standing().now}
          </A>{" "}
          today ({standing().fate})
        </span>
      </Match>
      <Match when={standing().is === "gone"}>
        <span class="text-warn">· traded {standing().fate}</span>
      </Match>
    </Switch>
  )
}
