/** Asks before something is done that cannot be undone; does it, or says why not. */
import { Dialog } from "@kobalte/core/dialog"
import { createSignal, type JSX, Show } from "solid-js"
import { WarnIcon } from "../../shell/icons.tsx"
import { focusHeading } from "./parts.tsx"
import { sayError } from "./say.ts"

export interface ConfirmProps {
  /** On the button that asks. */
  readonly button: JSX.Element
  readonly buttonLabel?: string
  readonly buttonClass?: string
  readonly title: string
  /** On the button that does it. */
  readonly action: string
  readonly busyText: string
  readonly run: () => Promise<void>
  /** The section that gets the focus when it is done: the button is gone then. */
  readonly section: string
  readonly children: JSX.Element
}

export const Confirm = (props: ConfirmProps) => {
  const [open, setOpen] = createSignal(false)
  const [busy, setBusy] = createSignal(false)
  const [error, setError] = createSignal<unknown>(null)
  let cancel!: HTMLButtonElement
  let done = false
  const run = async () => {
    if (busy()) return
    setBusy(true)
    setError(null)
    try {
      await props.run()
      done = true
      setOpen(false)
    } catch (cause) {
      setError(cause)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open={open()}
      onOpenChange={(next) => {
        // what is under way is waited for
        if (busy()) return
        done = false
        setError(null)
        setOpen(next)
      }}
    >
      <Dialog.Trigger class={`button ${props.buttonClass ?? ""}`} aria-label={props.buttonLabel}>
        {props.button}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay class="fixed inset-0 z-50 bg-black/60" />
        <div class="dialog-place">
          <Dialog.Content
            // Kobalte's AlertDialog would make all dialogs of the page such
            role="alertdialog"
            class="dialog max-w-md"
            onInteractOutside={(event) => event.preventDefault()}
            onOpenAutoFocus={(event) => {
              event.preventDefault()
              cancel.focus()
            }}
            onCloseAutoFocus={(event) => {
              if (!done) return
              event.preventDefault()
              focusHeading(props.section)
            }}
          >
            <Dialog.Title class="text-base font-semibold">{props.title}</Dialog.Title>
            <Dialog.Description as="div" class="mt-2 flex flex-col gap-3 text-soft">
              {props.children}
            </Dialog.Description>
            <div role="alert">
              <Show when={error()}>
                {(cause) => (
                  <div class="form-trouble mt-4">
                    <WarnIcon />
                    <p>{sayError(cause())}</p>
                  </div>
                )}
              </Show>
            </div>
            <div class="mt-6 flex flex-wrap justify-end gap-2.5">
              <Dialog.CloseButton ref={cancel} class="button" aria-label="Cancel">
                Cancel
              </Dialog.CloseButton>
              <button
                type="button"
                class="button button-danger"
                aria-disabled={busy() || undefined}
                onClick={() => void run()}
              >
                <Show when={busy()} fallback={props.action}>
                  <span class="spinner" aria-hidden="true" />
                  {props.busyText}
                </Show>
              </button>
            </div>
          </Dialog.Content>
        </div>
      </Dialog.Portal>
    </Dialog>
  )
}
