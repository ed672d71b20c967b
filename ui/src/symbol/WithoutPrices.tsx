/** A symbol's page where the feed does not tell its prices: the company all the same, or why there is none. */
import { A } from "@solidjs/router"
import { createEffect, type JSX, Match, Show, Switch } from "solid-js"
import type { CompanyProfile } from "../../../src/rpc/client.ts"
import { useMarket } from "../market/context.ts"
import { ui } from "../shell/ui.ts"
import { symbolPath } from "./address.ts"
import { CompanyFacts } from "./CompanyFacts.tsx"
import { Headline } from "./Headline.tsx"
import { standingOf, type View } from "./view.ts"

/** Ended by a full stop, unless it ends by itself. */
const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`)

const button = "inline-block rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent"

/** Why there is nothing to see. */
const Plain = (props: { readonly title: string; readonly text: string; readonly children?: JSX.Element }) => (
  <div class="grid flex-1 place-items-center p-6 text-center">
    <div class="max-w-md">
      <h1 class="text-lg font-semibold break-words">{props.title}</h1>
      <p class="mt-1 break-words text-soft">{props.text}</p>
      <div class="mt-4 flex flex-wrap justify-center gap-2">
        {props.children}
        <A href="/" class={button}>
          To the market table
        </A>
      </div>
    </div>
  </div>
)

const CompanyOnly = (props: { readonly symbol: string; readonly profile: CompanyProfile }) => {
  const market = useMarket()
  const standing = () => standingOf(props.symbol, props.profile)
  return (
    <div class="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <Headline symbol={props.symbol} listing={undefined} profile={props.profile} />
      <div class="mx-auto w-full max-w-xl p-4 md:py-10">
        <div class="rounded-xl border border-line bg-panel p-5">
          <div data-testid="standing">
            <Switch
              fallback={
                <>
                  <h2 class="text-base font-semibold">No prices are told here</h2>
                  <p class="mt-1 text-soft">
                    {market.label() === null ? "This server's feed" : `This server's feed (${market.label()})`} does not
                    list {props.symbol}. What is known of the company:
                  </p>
                </>
              }
            >
              <Match when={standing().is === "renamed"}>
                <h2 class="text-base font-semibold">
                  {props.symbol} is{" "}
                  <A href={symbolPath(standing().now)} class="text-accent underline underline-offset-2">
                    {standing().now}
                  </A>{" "}
                  today <Show when={standing().fate}>({standing().fate})</Show>
                </h2>
                <p class="mt-1 text-soft">Prices, chart and all else are there.</p>
                <A href={symbolPath(standing().now)} class={`mt-4 ${button}`}>
                  Open {standing().now}
                </A>
              </Match>
              <Match when={standing().is === "gone"}>
                <h2 class="text-base font-semibold">{props.profile.company.name} is traded no more</h2>
                <p class="mt-1 text-soft">{sentence(`${props.symbol} was traded ${standing().fate || "once"}`)}</p>
              </Match>
            </Switch>
          </div>
          <div class="mt-4 border-t border-line pt-3">
            <CompanyFacts profile={props.profile} />
          </div>
        </div>
      </div>
    </div>
  )
}

export const WithoutPrices = (props: {
  readonly symbol: string
  readonly view: View
  readonly onRetry: () => void
}) => {
  const title = () => {
    switch (props.view.show) {
      case "company":
        return props.view.profile.company.name
      case "refused":
        return "not watched"
      case "unknown":
        return "not found"
      default:
        return ""
    }
  }
  createEffect(() => {
    document.title = `${props.symbol} ${title()} · LZStock`
  })
  const view = <Show extends View["show"]>(show: Show): Extract<View, { readonly show: Show }> | undefined =>
    is(props.view, show) ? props.view : undefined
  return (
    <Switch
      fallback={
        <div class="flex-1 p-4" role="status" aria-busy="true" aria-label={`Looking for ${props.symbol}`}>
          <div class="skeleton h-full" />
        </div>
      }
    >
      <Match when={view("company")}>{(now) => <CompanyOnly symbol={props.symbol} profile={now().profile} />}</Match>
      <Match when={view("refused")}>
        {(now) => (
          <Plain title={`Too many symbols are watched to show ${props.symbol}`} text={sentence(now().message)} />
        )}
      </Match>
      <Match when={view("unknown")}>
        {(now) => (
          <Plain title={`“${props.symbol}” is not listed here`} text={sentence(now().message)}>
            <button type="button" class={button} onClick={() => ui.openPalette(props.symbol.toLowerCase())}>
              Search for “{props.symbol}”
            </button>
          </Plain>
        )}
      </Match>
      <Match when={view("failed")}>
        {(now) => (
          <Plain title={`${props.symbol} could not be looked up`} text={sentence(now().message)}>
            <button type="button" class={button} onClick={() => props.onRetry()}>
              Try again
            </button>
          </Plain>
        )}
      </Match>
    </Switch>
  )
}

const is = <Show extends View["show"]>(view: View, show: Show): view is Extract<View, { readonly show: Show }> =>
  view.show === show
