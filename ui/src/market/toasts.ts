/** Short messages that come and go by themselves; the same text is read out politely by assistive technology. */
import { createSignal } from "solid-js"

export interface Toast {
  readonly id: number
  readonly text: string
  readonly tone: "info" | "good" | "warning"
}

export const makeToasts = (keepMillis: number) => {
  const [toasts, setToasts] = createSignal<ReadonlyArray<Toast>>([])
  let next = 1
  const dismiss = (id: number) => setToasts((all) => all.filter((toast) => toast.id !== id))
  return {
    toasts,
    dismiss,
    say: (text: string, tone: Toast["tone"] = "info") => {
      const id = next++
      setToasts((all) => [...all.filter((toast) => toast.text !== text).slice(-2), { id, text, tone }])
      setTimeout(() => dismiss(id), keepMillis)
    }
  }
}
export type Toasts = ReturnType<typeof makeToasts>
