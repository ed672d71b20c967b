/** The feed's label, the session and the connection: what a reader must know before trusting a figure. */
import { createMemo, Match, Show, Switch } from "solid-js"
import type { FeedLabel } from "../../../src/rpc/market.ts"
import { formatCountdown, newYorkClock, newYorkDay, newYorkMinute, phaseName } from "../format/time.ts"
import { useMarket } from "../market/context.ts"

const meaning: Record<FeedLabel, string> = {
  SIMULATED: "Made-up prices of real companies. Not market data.",
  REPLAY: "A recorded trading day, played again.",
  DELAYED: "Real prices, some minutes old.",
  "REAL-TIME": "Real prices, as they happen."
}

/** Filled and in capitals, so that no screenshot of a simulated price passes for a real one. */
export const LabelBadge = (props: { readonly label: FeedLabel | null; readonly small?: boolean }) => (
  <Show when={props.label} fallback={<span class="skeleton inline-block h-5 w-20" />}>
    {(label) => (
      <span
        class="inline-flex items-center rounded font-bold tracking-[0.08em] whitespace-nowrap"
        classList={{
          "px-1.5 text-[10px] leading-4": props.small === true,
          "px-2 text-[11px] leading-5": props.small !== true,
          "bg-[#f7bd55] text-[#1d1300]": label() === "SIMULATED",
          "bg-[#6d47c9] text-white": label() === "REPLAY",
          "bg-[#0b6bcb] text-white": label() === "DELAYED",
          "bg-[#0a6b4c] text-white": label() === "REAL-TIME"
        }}
        data-testid="feed-label"
        title={meaning[label()]}
      >
        {label()}
      </span>
    )}
  </Show>
)

export const SessionBadge = () => {
  const market = useMarket()
  const session = createMemo(() => market.status()?.session)
  const countdown = createMemo(() => {
    market.second()
    const current = session()
    const now = market.marketTime()
    if (current === undefined || now === null) return ""
    return formatCountdown(current.nextChange - now)
  })
  /** The phase is of the last status: past its end, or without a connection, nobody knows that it still holds. */
  const unsure = createMemo(() => {
    market.second()
    const current = session()
    const now = market.marketTime()
    return market.connection().status !== "open" || (current !== undefined && now !== null && now > current.nextChange)
  })
  const nextName = createMemo(() => {
    const current = session()
    if (current === undefined) return ""
    if (current.nextPhase === "regular") return "opens in"
    if (current.phase === "regular") return "closes in"
    return current.nextPhase === "pre" ? "pre-market in" : current.phase === "pre" ? "opens in" : "ends in"
  })
  return (
    <Show when={session()} fallback={<span class="skeleton inline-block h-5 w-32" />}>
      {(current) => (
        <span class="inline-flex items-center gap-2 whitespace-nowrap" data-testid="session">
          <span
            class="inline-flex items-center gap-1.5 font-semibold"
            classList={{
              "text-up": !unsure() && current().phase === "regular",
              "text-warn": !unsure() && (current().phase === "pre" || current().phase === "post"),
              "text-soft": unsure() || current().phase === "closed"
            }}
          >
            <span
              aria-hidden="true"
              class="size-2 border-2 border-current"
              classList={{
                "rounded-full bg-current": current().phase === "regular",
                "rounded-full": current().phase === "pre" || current().phase === "post",
                "rounded-[1px]": current().phase === "closed"
              }}
            />
            {current().holiday ?? phaseName[current().phase]}
            <Show when={unsure()}>
              <span title="As last known">?</span>
            </Show>
          </span>
          <Show when={current().earlyClose}>
            <span class="rounded bg-warn-wash px-1.5 text-[11px] font-semibold text-warn">Early close</span>
          </Show>
          <Show when={!unsure()}>
            <span
              class="text-soft lg:max-xl:hidden"
              title={`${newYorkDay(current().nextChange)} ${newYorkMinute(current().nextChange)} ET`}
            >
              {nextName()} {countdown()}
            </span>
          </Show>
        </span>
      )}
    </Show>
  )
}

/** The market's own clock: New York time, the recorded day's during a replay. */
export const MarketClock = () => {
  const market = useMarket()
  const now = createMemo(() => {
    market.second()
    market.status()
    return market.marketTime()
  })
  return (
    <span class="inline-flex min-w-[13ch] items-baseline gap-1.5 whitespace-nowrap" data-testid="clock">
      <Show when={now()} fallback={<span class="text-soft">--:--:--</span>}>
        {(time) => (
          <>
            <span class="hidden text-soft xl:inline">{newYorkDay(time())}</span>
            <span class="font-semibold">{newYorkClock(time())}</span>
            <abbr title="New York time" class="text-[11px] text-soft no-underline">
              ET
            </abbr>
          </>
        )}
      </Show>
    </span>
  )
}

export const ConnectionBadge = () => {
  const market = useMarket()
  const state = market.connection
  const retryIn = createMemo(() => {
    market.second()
    const now = state()
    return now.status === "reconnecting" ? Math.max(0, Math.ceil((now.retryAt - Date.now()) / 1_000)) : 0
  })
  return (
    <span
      class="inline-flex items-center gap-1.5 whitespace-nowrap font-medium"
      data-testid="connection"
      data-status={state().status}
    >
      <Switch>
        <Match when={state().status === "open" && market.feedDownSince() !== null}>
          <span class="text-warn">▲ Feed down</span>
        </Match>
        <Match when={state().status === "open" && market.status()?.feed.state === "ended"}>
          <span class="text-soft">■ Feed ended</span>
        </Match>
        <Match when={state().status === "open" && market.watchRefused() !== null}>
          <span class="text-warn">▲ No live values</span>
        </Match>
        <Match when={market.isCatchingUp()}>
          <span aria-hidden="true" class="size-2 rounded-full border-2 border-warn" />
          <span class="text-warn" title="Connected. Values that are not current yet are marked">
            Catching up…
          </span>
        </Match>
        <Match when={state().status === "open"}>
          <span aria-hidden="true" class="size-2 rounded-full bg-up" />
          <span class="text-soft">Live</span>
        </Match>
        <Match when={state().status === "connecting"}>
          <span aria-hidden="true" class="size-2 rounded-full border-2 border-warn" />
          <span class="text-warn">Connecting…</span>
        </Match>
        <Match when={state().status === "reconnecting"}>
          <span aria-hidden="true" class="size-2 rounded-full border-2 border-warn" />
          <span class="text-warn">{retryIn() > 0 ? `Reconnecting in ${retryIn()} s` : "Reconnecting…"}</span>
        </Match>
        <Match when={state().status === "closed" || state().status === "signed-out"}>
          <span aria-hidden="true" class="size-2 rounded-[1px] bg-down" />
          <span class="text-down">{state().status === "closed" ? "Closed" : "Signed out"}</span>
        </Match>
      </Switch>
    </span>
  )
}
