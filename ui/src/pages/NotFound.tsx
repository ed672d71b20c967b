import { A } from "@solidjs/router"
import { onMount } from "solid-js"

export const NotFound = () => {
  onMount(() => {
    document.title = "Page not found · LZStock"
  })
  return (
    <div class="grid flex-1 place-items-center p-6 text-center">
      <div>
        <p class="text-5xl font-bold text-soft">404</p>
        <h1 class="mt-3 text-lg font-semibold">There is no page here</h1>
        <p class="mt-1 text-soft">Symbols live at /s/SYMBOL, for example /s/AAPL.</p>
        <A href="/" class="mt-5 inline-block rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent">
          To the market table
        </A>
      </div>
    </div>
  )
}
