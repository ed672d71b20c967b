/** What several parts of the page share besides the market: open dialogs and focus requests. */
import { createRoot, createSignal } from "solid-js"

export const ui = createRoot(() => {
  const [helpOpen, setHelpOpen] = createSignal(false)
  const [filter, setFilter] = createSignal("")
  const [sector, setSector] = createSignal("")
  const [filterWanted, setFilterWanted] = createSignal(false)
  const [watchedOnly, setWatchedOnly] = createSignal(false)
  const [palette, setPalette] = createSignal<string | null>(null)
  return {
    /** The text the palette opened with; null: it is closed. */
    palette,
    openPalette: (text = "") => {
      setHelpOpen(false)
      setPalette(text)
    },
    closePalette: () => setPalette(null),
    /** Whether the table shows the watch list only. */
    watchedOnly,
    setWatchedOnly,
    helpOpen,
    setHelpOpen,
    filter,
    setFilter,
    sector,
    setSector,
    /** Whether the filter is asked to take the focus; whoever gives it says so with `filterServed`. */
    filterWanted,
    filterServed: () => setFilterWanted(false),
    focusFilter: () => setFilterWanted(true),
    /** As on a page just opened: what is chosen and typed here is an investor's own. */
    reset: () => {
      setHelpOpen(false)
      setFilter("")
      setSector("")
      setFilterWanted(false)
      setWatchedOnly(false)
      setPalette(null)
    }
  }
})

/** Whether a key press belongs to what is being typed into, or to an open dialog or list. */
export const isTyping = (event: KeyboardEvent): boolean => {
  const target = event.target
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) ||
    target.closest('[role="dialog"],[role="listbox"],[role="menu"]') !== null
  )
}
