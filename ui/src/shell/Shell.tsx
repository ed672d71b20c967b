/** The frame around every page: top bar, page, status line, keys that work everywhere. */
import { useLocation, useNavigate } from "@solidjs/router"
import { createEffect, ErrorBoundary, on, onCleanup, onMount, type ParentProps, Suspense } from "solid-js"
import { useMarket } from "../market/context.ts"
import { messageOf } from "../market/market.ts"
import { Palette } from "../palette/Palette.tsx"
import { Notice } from "../table/Notice.tsx"
import { Banner } from "./Banner.tsx"
import { BottomNav } from "./BottomNav.tsx"
import { HelpDialog } from "./HelpDialog.tsx"
import { StatusBar } from "./StatusBar.tsx"
import { Toasts } from "./Toasts.tsx"
import { TopBar } from "./TopBar.tsx"
import { ui } from "./ui.ts"
import { useKeys } from "./useKeys.ts"

export const Shell = (props: ParentProps) => {
  const market = useMarket()
  const navigate = useNavigate()
  const location = useLocation()

  useKeys((event) => {
    switch (event.key) {
      case "?":
        ui.setHelpOpen(true)
        break
      case "f":
        market.setFrozen(!market.frozen())
        break
      case "/":
        ui.openPalette()
        break
      case "F":
        // with the caps lock on it is the f key alone
        if (!event.shiftKey) return
        if (location.pathname !== "/") navigate("/")
        ui.focusFilter()
        break
      default:
        return
    }
    event.preventDefault()
  })

  // from wherever one is, a text field or a dialog too
  onMount(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
      event.preventDefault()
      if (ui.palette() === null) ui.openPalette()
      else ui.closePalette()
    }
    document.addEventListener("keydown", onKey)
    onCleanup(() => document.removeEventListener("keydown", onKey))
  })

  return (
    <div class="flex h-dvh flex-col overflow-hidden">
      <a
        href="#main"
        // the router would take it for a page's link and leave the focus here; the browser moves it
        rel="external"
        class="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-accent-wash focus:px-3 focus:py-2"
      >
        Skip to content
      </a>
      <TopBar />
      <Banner />
      <main id="main" tabindex="-1" class="flex min-h-0 flex-1 flex-col outline-none">
        <ErrorBoundary
          fallback={(error: unknown, reset) => {
            console.error(error)
            // another page may well work
            createEffect(on(() => location.pathname, reset, { defer: true }))
            return (
              <Notice
                title="This page broke"
                text={`${messageOf(error)}. The rest of the dashboard goes on.`}
                action="Reload"
                onAction={() => window.location.reload()}
              />
            )
          }}
        >
          <Suspense fallback={<div class="m-4 skeleton flex-1" />}>{props.children}</Suspense>
        </ErrorBoundary>
      </main>
      <StatusBar />
      <BottomNav />
      <Toasts />
      <HelpDialog />
      <Palette />
    </div>
  )
}
