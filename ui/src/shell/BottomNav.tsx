/** The phone's controls, within the thumb's reach. */
import { Dialog } from "@kobalte/core/dialog"
import { useNavigate } from "@solidjs/router"
import { createSignal } from "solid-js"
import { ACCOUNT } from "../account/wanted.ts"
import { useMarket } from "../market/context.ts"
import { LabelBadge, SessionBadge } from "./Badges.tsx"
import { CloseIcon, GridIcon, ListIcon, PersonIcon, PulseIcon, SearchIcon } from "./icons.tsx"
import { StatusDetails } from "./StatusBar.tsx"
import { ThemeButton } from "./ThemeButton.tsx"
import { FreezeButton } from "./TopBar.tsx"
import { ui } from "./ui.ts"

export const BottomNav = () => {
  const market = useMarket()
  const navigate = useNavigate()
  const [open, setOpen] = createSignal(false)
  const item = "flex flex-1 flex-col items-center justify-center gap-0.5 text-[11px] text-soft min-h-14"
  return (
    <nav
      aria-label="Main"
      class="flex shrink-0 border-t border-line bg-panel pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      <button type="button" class={item} onClick={() => navigate("/")}>
        <ListIcon /> Market
      </button>
      <button type="button" class={item} onClick={() => ui.openPalette()}>
        <SearchIcon /> Find
      </button>
      <button type="button" class={item} onClick={() => navigate("/browse")}>
        <GridIcon /> Browse
      </button>
      <button type="button" class={item} onClick={() => setOpen(true)}>
        <PulseIcon /> Status
      </button>
      <button type="button" class={item} onClick={() => navigate(ACCOUNT)}>
        <PersonIcon /> Account
      </button>
      <div class="flex shrink-0 items-center justify-center pr-1">
        <FreezeButton />
        <ThemeButton />
      </div>
      <Dialog open={open()} onOpenChange={setOpen}>
        <Dialog.Portal>
          <Dialog.Overlay class="fixed inset-0 z-50 bg-black/60" />
          <Dialog.Content class="fixed inset-x-0 bottom-0 z-50 max-h-[85dvh] overflow-auto rounded-t-2xl border-t border-strong bg-panel p-5">
            <div class="mb-3 flex items-center justify-between">
              <Dialog.Title class="flex items-center gap-3 text-base font-semibold">
                Status <LabelBadge label={market.label()} small />
              </Dialog.Title>
              <Dialog.CloseButton class="icon-button" aria-label="Close">
                <CloseIcon />
              </Dialog.CloseButton>
            </div>
            <div class="mb-4">
              <SessionBadge />
            </div>
            <StatusDetails />
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog>
    </nav>
  )
}
