import { For } from "solid-js"
import { useMarket } from "../market/context.ts"
import { CloseIcon } from "./icons.tsx"

/** The only live region of the page: summaries, never ticks. */
export const Toasts = () => {
  const { toasts } = useMarket()
  return (
    <div
      aria-live="polite"
      role="status"
      class="pointer-events-none fixed inset-x-0 bottom-20 z-40 flex flex-col items-center gap-2 px-3 md:bottom-11"
      data-testid="toasts"
    >
      <For each={toasts.toasts()}>
        {(toast) => (
          <div
            class="pointer-events-auto flex items-center gap-3 rounded-lg border bg-panel py-1.5 pr-1.5 pl-4 shadow-2xl"
            classList={{
              "border-strong": toast.tone === "info",
              "border-up": toast.tone === "good",
              "border-warn": toast.tone === "warning"
            }}
          >
            <span>{toast.text}</span>
            <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => toasts.dismiss(toast.id)}>
              <CloseIcon />
            </button>
          </div>
        )}
      </For>
    </div>
  )
}
