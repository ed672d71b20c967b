/** The honest small print: how much arrives, how much was folded, where from. */
import { Popover } from "@kobalte/core/popover"
import { createMemo, For, Show } from "solid-js"
import { formatCompact, formatWhole } from "../format/numbers.ts"
import { formatCountdown } from "../format/time.ts"
import { useMarket } from "../market/context.ts"
import { LabelBadge, SessionBadge } from "./Badges.tsx"

const useDetails = () => {
  const market = useMarket()
  return createMemo((): ReadonlyArray<readonly [string, string]> => {
    market.second()
    const status = market.status()
    const totals = market.book.counters()
    const rates = market.rates()
    const here: Array<readonly [string, string]> = [
      ["Updates here", `${formatWhole(rates.updates)}/s, ${formatWhole(totals.events)} in all`],
      ["Folded by the server", `${formatWhole(rates.folded)}/s, ${formatWhole(totals.folded)} in all`],
      ["Window", `${market.windowMillis()} ms`],
      ["Painted", `${rates.frames} frames/s`],
      ["Announced gaps", formatWhole(market.gaps())],
      ["Symbols watched here", formatWhole(market.watchSet.wanted().size)]
    ]
    if (status === null) return here
    return [
      ...here,
      ["Feed", `${status.feed.adapter}, ${status.feed.state}: ${status.feed.detail}`],
      ["Feed symbols", formatWhole(status.feed.symbols)],
      ["Ticks since start", formatWhole(status.feed.ticks)],
      ["Malformed input", formatWhole(status.feed.malformed)],
      ["Server", `${status.server.version} on ${status.server.node}, ${status.server.state}`],
      ["Up for", formatCountdown(status.server.now - status.server.startedAt)],
      ["Sessions", formatWhole(status.counts.sessions)],
      ["Ticker actors", formatWhole(status.counts.tickerActors)]
    ]
  })
}

export const StatusDetails = () => {
  const details = useDetails()
  return (
    <dl class="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5">
      <For each={details()}>
        {([name, value]) => (
          <>
            <dt class="text-soft">{name}</dt>
            <dd class="break-words text-right">{value}</dd>
          </>
        )}
      </For>
    </dl>
  )
}

export const StatusBar = () => {
  const market = useMarket()
  return (
    <footer class="hidden h-7 shrink-0 items-center gap-4 border-t border-line bg-panel px-4 text-[11.5px] text-soft md:flex">
      <Popover placement="top-start" gutter={6}>
        <Popover.Trigger class="flex h-full items-center gap-4 rounded hover:text-ink" data-testid="status-bar">
          <span class="min-w-[13ch] text-left">
            <b class="font-semibold text-ink" data-testid="update-rate">
              {formatCompact(market.rates().updates)}
            </b>{" "}
            updates/s
          </span>
          <span class="min-w-[10ch] text-left" title="Updates the server merged into the ones sent, in the last second">
            {formatCompact(market.rates().folded)} folded/s
          </span>
          <span class="min-w-[12ch] text-left">{market.rates().frames} paints/s</span>
          <span>window {market.windowMillis()} ms</span>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content class="z-50 w-96 rounded-lg border border-strong bg-panel p-4 text-[12px] text-ink shadow-2xl outline-none">
            <Popover.Title class="mb-3 flex items-center justify-between font-semibold">
              Status <LabelBadge label={market.label()} small />
            </Popover.Title>
            <StatusDetails />
          </Popover.Content>
        </Popover.Portal>
      </Popover>
      {/* the top bar has no room for it on a narrow screen */}
      <span class="lg:hidden">
        <SessionBadge />
      </span>
      <Show when={market.frozen()}>
        <span class="font-semibold text-accent">Frozen: {formatWhole(waiting(market))} symbols have newer values</span>
      </Show>
      <Show when={market.status()}>
        {(status) => (
          <span class="ml-auto truncate">
            {status().feed.adapter} feed · {status().feed.detail}
          </span>
        )}
      </Show>
    </footer>
  )
}

const waiting = (market: ReturnType<typeof useMarket>): number => {
  market.second()
  return market.book.waiting()
}
