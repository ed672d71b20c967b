/** Whose data this page shows. What an investor keeps in this browser stands under a key of their own. */
import { createRoot, createSignal } from "solid-js"

/** The one investor of a server that has no accounts: the keys are the ones there have always been. */
export const LOCAL = "local"

const [owner, setOwner] = createRoot(() => createSignal<string | null>(null))

/** null: nobody's; nothing is read or kept then. */
export { owner, setOwner }

export const keyOf = (base: string, of: string | null): string | null =>
  of === null ? null : of === LOCAL ? base : `${base}.${of}`

/** Of all that an investor keeps in this browser. */
export const ownedKeys = { watchlist: "lzstock.watchlist", recent: "lzstock.recent" } as const

export const ownKey = (base: keyof typeof ownedKeys): string | null => keyOf(ownedKeys[base], owner())

/** Nothing of them is left in this browser. */
export const forgetOwner = (of: string): void => {
  for (const base of Object.values(ownedKeys)) {
    const key = keyOf(base, of)
    try {
      if (key !== null) localStorage.removeItem(key)
    } catch {
      // where nothing can be stored nothing is
    }
  }
}
