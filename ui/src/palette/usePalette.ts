/** What the palette knows and does: its text, what is listed for it, which of that is chosen. Its looks are in PaletteBody. */
import { useLocation, useNavigate } from "@solidjs/router"
import { createEffect, createMemo, createSignal, on, onCleanup } from "solid-js"
import type { SearchHit } from "../../../src/rpc/client.ts"
import { useMarket } from "../market/context.ts"
import { goOn } from "../market/goOn.ts"
import { messageOf } from "../market/market.ts"
import { type Listed, makePages, nothingListed } from "../market/pages.ts"
import { decodePart, symbolOfPath, symbolPath } from "../symbol/address.ts"
import { readRecent, withoutRecent, writeRecent } from "../symbol/recent.ts"
import { describeToggled } from "../watchlist/list.ts"
import { watchlist } from "../watchlist/watchlist.ts"
import { describeResults, groupsOfHits, groupsOfRemembered, type PaletteItem, questionOf, step } from "./items.ts"
import { makeKnown } from "./known.ts"

/** More than fit at once, so that scrolling has begun before the next ones are needed. */
const HITS_A_PAGE = 15
/** A count is read out when the typing has paused this long. */
const QUIET_MILLIS = 600

export interface PaletteOptions {
  readonly text: string
  /** Called before the page changes. */
  readonly onLeave: () => void
}

export const usePalette = (options: PaletteOptions) => {
  const market = useMarket()
  const navigate = useNavigate()
  const location = useLocation()
  const [text, setText] = createSignal(options.text)
  const question = createMemo(() => questionOf(text()))

  // ---- what is listed --------------------------------------------------------------------------------------------
  const [found, setFound] = createSignal<Listed<string, SearchHit>>(nothingListed)
  const pages = makePages<string, SearchHit, number>({
    ask: async (asked, after) => {
      const page = await market.client.search({
        text: asked,
        limit: HITS_A_PAGE,
        // they are watched here
        prices: false,
        ...(after === undefined ? {} : { after })
      })
      return { items: page.hits, after: page.after, total: null }
    },
    keyOf: (hit) => hit.symbol,
    onChange: setFound
  })
  onCleanup(pages.close)
  createEffect(() => pages.set(question() === "" ? null : question()))

  const here = /^\/s\/([^/]+)$/.exec(location.pathname)?.[1]
  const [recent, setRecent] = createSignal(readRecent())
  const known = makeKnown(market)
  const remembered = createMemo(() =>
    groupsOfRemembered(
      recent(),
      watchlist.symbols(),
      here === undefined ? null : symbolOfPath(decodePart(here)),
      known.of
    )
  )
  createEffect(() => {
    const missing = [...recent(), ...watchlist.symbols()].filter((symbol) => known.of(symbol) === undefined)
    if (market.listings().state === "ready") known.ask(missing)
  })

  /** Until the first answer is there what is remembered stays: nothing flickers while one types. */
  const answered = createMemo(() => found().question)
  const isSearching = createMemo(() => answered() !== null)
  const groups = createMemo(() => (isSearching() ? groupsOfHits(found().items) : remembered()))
  const items = createMemo(() => groups().flatMap((group) => group.items))
  const keys = createMemo(() => items().map((item) => item.key))
  createEffect(() =>
    market.watchSet.ask(
      "palette",
      items()
        .map((item) => item.symbol)
        .filter((symbol) => market.listingOf(symbol) !== undefined)
    )
  )
  onCleanup(() => market.watchSet.ask("palette", []))

  // ---- what is chosen --------------------------------------------------------------------------------------------
  const [chosen, setChosen] = createSignal<string | null>(null)
  const active = createMemo(() => {
    const key = chosen()
    return key !== null && keys().includes(key) ? key : (keys()[0] ?? null)
  })
  const activeItem = () => items().find((item) => item.key === active())
  createEffect(on(answered, () => setChosen(null)))

  /** Enter came before the answer did: the first of it is opened. */
  let opensWhenAnswered: { readonly newTab: boolean } | null = null
  /** An arrow went beyond the end: its step is made when the next page is there. */
  let stepsWhenMore = false
  createEffect(
    on(
      found,
      (now) => {
        if (now.awaiting !== null) return
        if (stepsWhenMore) {
          stepsWhenMore = false
          const next = step(keys(), active(), 1, false)
          if (next !== null && next !== "end" && now.error === null && next !== keys()[0]) setChosen(next)
        }
        if (opensWhenAnswered !== null && (now.question === question() || now.error !== null)) {
          const { newTab } = opensWhenAnswered
          opensWhenAnswered = null
          const first = items()[0]
          if (now.error === null && first !== undefined) open(first.symbol, newTab)
        }
      },
      { defer: true }
    )
  )

  const open = (symbol: string, newTab: boolean) => {
    const path = symbolPath(symbol)
    if (newTab) {
      window.open(path, "_blank", "noopener")
      return
    }
    options.onLeave()
    navigate(path)
  }

  // ---- what is read out ------------------------------------------------------------------------------------------
  const [announcement, setAnnouncement] = createSignal("")
  let counting: ReturnType<typeof setTimeout> | undefined
  createEffect(() => {
    const now = found()
    if (now.question === null || now.awaiting === "answer") return
    const said = describeResults(groups(), now.question, now.hasMore)
    counting = setTimeout(() => setAnnouncement(said), QUIET_MILLIS)
    onCleanup(() => clearTimeout(counting))
  })
  /** What a key just did: no count of the same list is read over it. */
  const announce = (done: string) => {
    clearTimeout(counting)
    setAnnouncement(done)
  }

  goOn(() => found().error, pages.retry)

  return {
    text,
    type: (next: string) => {
      opensWhenAnswered = null
      stepsWhenMore = false
      setText(next)
    },
    groups,
    isSearching,
    isEmpty: createMemo(() => items().length === 0),
    /** An answer is awaited, and what is shown is not it. */
    isAwaiting: () => found().awaiting !== null,
    hasMore: () => found().hasMore,
    question: answered,
    error: () => (found().error === null ? null : messageOf(found().error)),
    more: pages.more,
    retry: pages.retry,
    active,
    choose: (key: string) => setChosen(key),
    move: (by: number) => {
      const next = step(keys(), active(), by, found().hasMore)
      if (next !== "end") setChosen(next)
      else {
        stepsWhenMore = true
        pages.more()
      }
    },
    open,
    enter: (newTab: boolean) => {
      if (found().error !== null) {
        pages.retry()
        return
      }
      if (question() !== "" && found().question !== question()) {
        opensWhenAnswered = { newTab }
        return
      }
      const item = activeItem()
      if (item !== undefined) open(item.symbol, newTab)
    },
    star: (item: PaletteItem | undefined = activeItem()) => {
      if (item !== undefined) announce(describeToggled(item.symbol, watchlist.toggle(item.symbol)))
    },
    forget: (item: PaletteItem | undefined = activeItem()) => {
      if (item === undefined || !item.isRecent) return
      // the next one is chosen, so that several go by the same key
      const at = keys().indexOf(item.key)
      const next = keys()[at + 1] ?? keys()[at - 1] ?? null
      setRecent(withoutRecent(readRecent(), item.symbol))
      writeRecent(recent())
      setChosen(next)
      announce(`${item.symbol} removed from recent`)
    },
    forgetAll: () => {
      setRecent([])
      writeRecent([])
      announce("Recent cleared")
    },
    announcement
  }
}
export type PaletteModel = ReturnType<typeof usePalette>
