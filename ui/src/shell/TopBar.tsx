import { A } from "@solidjs/router"
import { Show } from "solid-js"
import { useMarket } from "../market/context.ts"
import { AccountMenu } from "./AccountMenu.tsx"
import { ConnectionBadge, LabelBadge, MarketClock, SessionBadge } from "./Badges.tsx"
import { HelpIcon, PauseIcon, PlayIcon, SearchIcon } from "./icons.tsx"
import { keyNames } from "./keyNames.ts"
import { Logo } from "./Logo.tsx"
import { ThemeButton } from "./ThemeButton.tsx"
import { ui } from "./ui.ts"

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
            class="icon-button max-lg:hidden"
            aria-label="Keyboard help"
            title="Keyboard help (?)"
            onClick={() => ui.setHelpOpen(true)}
          >
            <HelpIcon />
          </button>
          <AccountMenu />
        </div>
      </div>
    </header>
  )
}
