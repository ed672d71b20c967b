import { A } from "@solidjs/router"
import { Match, Show, Switch } from "solid-js"
import { useMarket } from "../market/context.ts"
import { ConnectionBadge, LabelBadge, MarketClock, SessionBadge } from "./Badges.tsx"
import { HelpIcon, MoonIcon, PauseIcon, PlayIcon, SearchIcon, SunIcon, SystemIcon } from "./icons.tsx"
import { keyNames } from "./keyNames.ts"
import { theme } from "./theme.ts"
import { ui } from "./ui.ts"

const Logo = () => (
  <svg aria-hidden="true" width="22" height="22" viewBox="0 0 22 22" class="shrink-0">
    <path d="M5 3v16M11 2v18M17 4v15" stroke="currentColor" class="text-strong" stroke-width="1.5" />
    <rect x="3" y="7" width="4" height="8" rx="1" class="fill-up" />
    <rect x="9" y="5" width="4" height="10" rx="1" class="fill-down" />
    <rect x="15" y="7" width="4" height="8" rx="1" class="fill-up" />
  </svg>
)

export const FreezeButton = () => {
  const market = useMarket()
  return (
    <button
      type="button"
      class="icon-button"
      aria-pressed={market.frozen()}
      aria-label="Freeze live values"
      title="Freeze live values (f)"
      data-testid="freeze"
      onClick={() => market.setFrozen(!market.frozen())}
    >
      <Show when={market.frozen()} fallback={<PauseIcon />}>
        <PlayIcon />
      </Show>
      {/* what stands still must say so on every screen */}
      <span classList={{ "hidden xl:inline": !market.frozen() }}>{market.frozen() ? "Frozen" : "Freeze"}</span>
    </button>
  )
}

export const ThemeButton = () => (
  <button
    type="button"
    class="icon-button"
    aria-label={`Theme: ${theme.choice()}`}
    title={`Theme: ${theme.choice()} (t)`}
    data-testid="theme"
    onClick={() => theme.next()}
  >
    <Switch>
      <Match when={theme.choice() === "system"}>
        <SystemIcon />
      </Match>
      <Match when={theme.choice() === "light"}>
        <SunIcon />
      </Match>
      <Match when={theme.choice() === "dark"}>
        <MoonIcon />
      </Match>
    </Switch>
  </button>
)

/** Looks like the text field it leads to; where there is no room for that, an icon. */
const SearchButton = () => (
  <button
    type="button"
    class="field hidden items-center gap-2 px-2.5 text-soft hover:border-accent hover:text-ink md:flex xl:w-72"
    aria-haspopup="dialog"
    aria-keyshortcuts="/ Control+K Meta+K"
    title={`Search companies (/ or ${keyNames.control} K)`}
    data-testid="open-palette"
    onClick={() => ui.openPalette()}
  >
    <SearchIcon />
    <span class="max-xl:sr-only">Search companies</span>
    <span aria-hidden="true" class="ml-auto hidden gap-1 xl:flex">
      <kbd class="kbd">{keyNames.control}</kbd>
      <kbd class="kbd">K</kbd>
    </span>
  </button>
)

export const TopBar = () => {
  const market = useMarket()
  return (
    <header class="flex h-12 shrink-0 items-center gap-3 border-b border-line bg-panel px-3 md:gap-5 md:px-4">
      <A
        href="/"
        class="flex items-center gap-2 text-[15px] font-bold tracking-tight"
        aria-label="LZStock, market table"
      >
        <Logo />
        <span class="hidden sm:inline">LZStock</span>
      </A>
      <LabelBadge label={market.label()} />
      <div class="hidden lg:block">
        <SessionBadge />
      </div>
      <nav aria-label="Pages" class="hidden items-center gap-1 md:flex">
        <A href="/" end class="page-link" activeClass="page-link-here">
          Market
        </A>
        <A href="/browse" class="page-link" activeClass="page-link-here">
          Browse
        </A>
      </nav>
      <SearchButton />
      <div class="ml-auto flex items-center gap-3 md:gap-4">
        <MarketClock />
        <ConnectionBadge />
        <div class="hidden items-center gap-0.5 border-l border-line pl-3 md:flex">
          <FreezeButton />
          <ThemeButton />
          <button
            type="button"
            class="icon-button"
            aria-label="Keyboard help"
            title="Keyboard help (?)"
            onClick={() => ui.setHelpOpen(true)}
          >
            <HelpIcon />
          </button>
        </div>
      </div>
    </header>
  )
}
