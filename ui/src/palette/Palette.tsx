/** Every company a keystroke away: a dialog over the page, a full sheet on the phone. Opened by `ui.openPalette`. */
import { Dialog } from "@kobalte/core/dialog"
import { createSignal } from "solid-js"
import { ui } from "../shell/ui.ts"
import { PaletteBody } from "./PaletteBody.tsx"
import "./palette.css"

export const Palette = () => {
  /** Where the focus was when it opened. */
  let origin: Element | null = null
  let left = false
  return (
    <Dialog
      open={ui.palette() !== null}
      onOpenChange={(open) => {
        if (!open) ui.closePalette()
      }}
    >
      <Dialog.Portal>
        <Dialog.Overlay class="fixed inset-0 z-50 bg-black/60" />
        <Dialog.Content
          class="palette"
          aria-label="Search companies"
          style={{ "--seen": `${seenHeight()}px` }}
          // PaletteBody takes it itself, at once
          onOpenAutoFocus={(event) => event.preventDefault()}
          onCloseAutoFocus={() => {
            const back = !left && origin instanceof HTMLElement && origin.isConnected ? origin : null
            const target = back ?? document.getElementById("main")
            // without scrolling: what one looks at stays where it is
            target?.focus({ preventScroll: true })
          }}
        >
          <Opening
            onOpen={(focused) => {
              origin = focused
              left = false
            }}
          />
          <PaletteBody
            text={ui.palette() ?? ""}
            onClose={ui.closePalette}
            onLeave={() => {
              left = true
              ui.closePalette()
            }}
          />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  )
}

/** Made before anything of the palette has the focus. */
const Opening = (props: { readonly onOpen: (focused: Element | null) => void }) => {
  props.onOpen(document.activeElement)
  return null
}

/** The height that the phone's keyboard leaves free, CSS pixels at no zoom. */
const seenHeight = (() => {
  const viewport = window.visualViewport
  const read = () => (viewport === null ? window.innerHeight : Math.round(viewport.height * viewport.scale))
  const [height, setHeight] = createSignal(read())
  viewport?.addEventListener("resize", () => setHeight(read()))
  return height
})()
