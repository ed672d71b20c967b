import { Dialog } from "@kobalte/core/dialog"
import { For } from "solid-js"
import { CloseIcon } from "./icons.tsx"
import { keyNames } from "./keyNames.ts"
import { ui } from "./ui.ts"

const keys: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
  [["/"], "Search all companies"],
  [[keyNames.control, "K"], "Search, from within a text field too"],
  [["j", "↓"], "Next row"],
  [["k", "↑"], "Previous row"],
  [["Home", "End"], "First, last row"],
  [["PgUp", "PgDn"], "A screen up, down"],
  [["Enter"], "Open the symbol"],
  [["w"], "Star: on the watch list, and off it"],
  [["Shift", "F"], "Filter the table"],
  [["Esc"], "Clear the filter; leave the symbol page"],
  [["1", "…", "7"], "Chart range, 1D to Max"],
  [["f"], "Freeze live values, and let them run again"],
  [["t"], "Theme: system, light, dark"],
  [["?"], "This help"]
]

export const HelpDialog = () => (
  <Dialog open={ui.helpOpen()} onOpenChange={ui.setHelpOpen}>
    <Dialog.Portal>
      <Dialog.Overlay class="fixed inset-0 z-50 bg-black/60" />
      <div class="fixed inset-0 z-50 grid place-items-center p-4">
        <Dialog.Content class="max-h-full w-full max-w-md overflow-auto rounded-xl border border-strong bg-panel p-5 shadow-2xl">
          <div class="mb-4 flex items-center justify-between">
            <Dialog.Title class="text-base font-semibold">Keyboard</Dialog.Title>
            <Dialog.CloseButton class="icon-button" aria-label="Close">
              <CloseIcon />
            </Dialog.CloseButton>
          </div>
          <dl class="grid grid-cols-[auto_1fr] items-center gap-x-5 gap-y-2.5">
            <For each={keys}>
              {([names, what]) => (
                <>
                  <dt class="flex gap-1">
                    <For each={names}>{(name) => <kbd class="kbd">{name}</kbd>}</For>
                  </dt>
                  <dd class="text-soft">{what}</dd>
                </>
              )}
            </For>
          </dl>
          <Dialog.Description class="mt-5 border-t border-line pt-4 text-soft">
            Values on screen are painted at most once per frame. What the server folds together is counted in the status
            line, never hidden.
          </Dialog.Description>
        </Dialog.Content>
      </div>
    </Dialog.Portal>
  </Dialog>
)
