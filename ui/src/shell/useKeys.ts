import { onCleanup, onMount } from "solid-js"
import { isTyping } from "./ui.ts"

/** Hears keys pressed anywhere on the page while the component is there, but not what is typed into fields and dialogs. */
export const useKeys = (handler: (event: KeyboardEvent) => void): void => {
  const onKey = (event: KeyboardEvent) => {
    if (!isTyping(event)) handler(event)
  }
  onMount(() => {
    document.addEventListener("keydown", onKey)
    onCleanup(() => document.removeEventListener("keydown", onKey))
  })
}
