/** Theme: the system's, unless the reader chose. theme.js in public/ applies the same rule before the first paint. */
import { createEffect, createMemo, createRoot, createSignal, on } from "solid-js"

export const themeChoices = ["system", "light", "dark"] as const
export type ThemeChoice = (typeof themeChoices)[number]
const KEY = "lzstock.theme"

const read = (): ThemeChoice => {
  try {
    const stored = localStorage.getItem(KEY)
    return themeChoices.find((choice) => choice === stored) ?? "system"
  } catch {
    return "system"
  }
}

export const theme = createRoot(() => {
  const [choice, setChoice] = createSignal<ThemeChoice>(read())
  const prefersDark = matchMedia("(prefers-color-scheme: dark)")
  const [systemDark, setSystemDark] = createSignal(prefersDark.matches)
  prefersDark.addEventListener("change", (event) => setSystemDark(event.matches))
  const dark = createMemo(() => choice() === "dark" || (choice() === "system" && systemDark()))
  createEffect(() => {
    document.documentElement.dataset.theme = dark() ? "dark" : "light"
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", dark() ? "#0a0d12" : "#ffffff")
  })
  createEffect(
    on(
      choice,
      (value) => {
        try {
          localStorage.setItem(KEY, value)
        } catch {
          // private windows may forbid storage: the choice then lasts for this page
        }
      },
      { defer: true }
    )
  )
  return {
    choice,
    setChoice,
    dark,
    /** system → light → dark → system. */
    next: () => setChoice((now) => themeChoices[(themeChoices.indexOf(now) + 1) % themeChoices.length] ?? "system")
  }
})

/** A colour of the theme now in force, for canvases, which cannot use CSS variables. */
export const token = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
