/** What is on screen before anything is known. */
import { createSignal, onCleanup, type ParentProps, Show } from "solid-js"
import { Logo } from "../shell/Logo.tsx"
import type { Problem } from "./answers.ts"
import { ENDLESS } from "./session.ts"

/** Unseen for the first moment: most answers are there by then. */
export const Splash = () => (
  <div class="splash grid h-dvh place-items-center" role="status" aria-busy="true" aria-label="Opening LZStock">
    <div class="flex flex-col items-center gap-4">
      <span class="flex items-center gap-2.5 text-[17px] font-bold tracking-tight">
        <Logo /> LZStock
      </span>
      <span class="skeleton h-1 w-28" />
    </div>
  </div>
)

/** Why there is no dashboard, in the middle of the page. */
const Plain = (props: ParentProps) => (
  <main class="grid h-dvh place-items-center overflow-y-auto p-6 text-center">
    <div class="max-w-sm">
      <span class="flex items-center justify-center gap-2.5 text-[17px] font-bold tracking-tight">
        <Logo /> LZStock
      </span>
      {props.children}
    </div>
  </main>
)

export const Unreachable = (props: {
  readonly problem: Problem
  readonly retryAt: number
  readonly onRetry: () => void
}) => {
  const [now, setNow] = createSignal(Date.now())
  const timer = setInterval(() => setNow(Date.now()), 250)
  onCleanup(() => clearInterval(timer))
  const seconds = () => Math.max(0, Math.ceil((props.retryAt - now()) / 1_000))
  return (
    <Plain>
      <div role="alert">
        <h1 class="mt-8 text-lg font-semibold">{props.problem.message}</h1>
        <p class="mt-1.5 text-soft">
          <Show
            when={props.problem.error === ENDLESS}
            fallback="It may be restarting, or this device may be offline. This page goes on by itself as soon as there is an answer."
          >
            It says that you are signed in, and closes the connection all the same. Whoever runs it finds the reason in
            its log.
          </Show>
        </p>
      </div>
      <p class="mt-5 font-medium" data-testid="retry-in">
        <Show when={seconds() > 0} fallback="Trying again…">
          Trying again in {seconds()} s
        </Show>
      </p>
      <button type="button" class="button mt-4" onClick={() => props.onRetry()}>
        Try now
      </button>
    </Plain>
  )
}

export const Shut = (props: { readonly onRetry: () => void }) => (
  <Plain>
    <h1 class="mt-8 text-lg font-semibold">This server is for its own machine</h1>
    <p class="mt-1.5 text-soft">
      It was started without accounts, so only browsers on that machine are let in. Whoever runs it can change that:{" "}
      <code>--sign-in required</code>
    </p>
    <button type="button" class="button mt-5" onClick={() => props.onRetry()}>
      Try again
    </button>
  </Plain>
)
