/** What happened to the account lately. */
import { createEffect, createMemo, createSignal, For, onCleanup, Show } from "solid-js"
import type { SecurityEvent } from "../../../../src/rpc/client.ts"
import { useMarket } from "../../market/context.ts"
import { goOn } from "../../market/goOn.ts"
import { type Listed, makePages, nothingListed } from "../../market/pages.ts"
import { CheckIcon, WarnIcon } from "../../shell/icons.tsx"
import { aboutEvent, describeEvent } from "./events.ts"
import { Section, When } from "./parts.tsx"
import { sayError } from "./say.ts"

const FIRST = 8
const MORE = 20
const WRITTEN_AFTER = [700, 3_000]

export const Activity = (props: { readonly ref: (reload: () => void) => void }) => {
  const market = useMarket()
  const [listed, setListed] = createSignal<Listed<number, SecurityEvent>>(nothingListed)
  const pages = makePages<number, SecurityEvent, string>({
    ask: async (_, after) => {
      const page = await market.client.account.activity(after === undefined ? {} : { before: after })
      return { items: page.events, after: page.before, total: null }
    },
    keyOf: (event) => event.id,
    onChange: setListed
  })
  onCleanup(pages.close)
  let turn = 0
  const reload = () => {
    turn += 1
    pages.set(turn)
  }
  reload()
  // what has just been done is written down a moment later
  const timers = new Set<ReturnType<typeof setTimeout>>()
  props.ref(() => {
    for (const millis of WRITTEN_AFTER) timers.add(setTimeout(reload, millis))
  })
  onCleanup(() => {
    for (const timer of timers) clearTimeout(timer)
  })
  goOn(() => listed().error, pages.retry)

  /** A page of them is more than one wants to see at first. */
  const [shown, setShown] = createSignal(FIRST)
  const items = createMemo(() => listed().items.slice(0, shown()))
  const hasMore = () => listed().hasMore || listed().items.length > shown()
  let list: HTMLUListElement | undefined
  /** The first of those that were asked for: it gets the focus, for the button may go. */
  let awaited: number | null = null
  const more = () => {
    awaited = items().length
    setShown((count) => count + MORE)
    if (listed().items.length < shown()) pages.more()
  }
  createEffect(() => {
    const count = items().length
    if (awaited === null || count <= awaited) return
    const item = list?.children[awaited]
    awaited = null
    if (item instanceof HTMLElement) item.focus()
  })
  return (
    <Section id="activity" title="Recent activity" text="Sign-ins and changes of your account, the newest first.">
      <Show when={listed().error}>
        {(error) => (
          <p role="status" class="flex flex-wrap items-center gap-x-3 px-4 py-3 text-warn">
            ⚠ Recent activity: {sayError(error())}
            <button type="button" class="text-link" onClick={() => pages.retry()}>
              Try again
            </button>
          </p>
        )}
      </Show>
      <Show
        when={listed().question !== null}
        fallback={
          <Show when={listed().error === null}>
            <div class="flex flex-col gap-2.5 p-4" role="status" aria-busy="true" aria-label="Loading: Recent activity">
              <div class="skeleton h-4 w-56" />
              <div class="skeleton h-4 w-80 max-w-full" />
            </div>
          </Show>
        }
      >
        <Show when={listed().items.length > 0} fallback={<p class="p-4 text-soft">Nothing has happened yet.</p>}>
          <ul ref={list} class="account-list">
            <For each={items()}>{(event) => <Event event={event} />}</For>
          </ul>
        </Show>
        <Show when={hasMore()}>
          <div class="border-t border-line p-2 text-center">
            <button
              type="button"
              class="icon-button"
              aria-disabled={listed().awaiting !== null || undefined}
              onClick={more}
            >
              {listed().awaiting === "more" ? "Loading…" : "Show older"}
            </button>
          </div>
        </Show>
      </Show>
    </Section>
  )
}

const Event = (props: { readonly event: SecurityEvent }) => {
  const isRefused = () => props.event.result === "refused"
  return (
    <li class="account-event outline-none" tabindex="-1" data-event={props.event.event}>
      <span classList={{ "text-warn": isRefused(), "text-soft": !isRefused() }}>
        <Show when={isRefused()} fallback={<CheckIcon />}>
          <WarnIcon />
        </Show>
      </span>
      <p class="font-medium break-words" classList={{ "text-warn": isRefused() }}>
        {describeEvent(props.event.event)}
        <Show when={isRefused() && describeEvent(props.event.event) === props.event.event}>: refused</Show>
      </p>
      <p class="facts text-soft">
        <For each={aboutEvent(props.event)}>{(part) => <span class="break-words">{part}</span>}</For>
      </p>
      <When at={props.event.at} class="shrink-0 text-right text-soft" />
    </li>
  )
}
