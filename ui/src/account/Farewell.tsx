/** Pages of an entrance that ask for nothing. */
import { A } from "@solidjs/router"
import { onMount } from "solid-js"
import { SIGN_IN } from "./wanted.ts"

export const Farewell = () => {
  let heading!: HTMLHeadingElement
  onMount(() => heading.focus())
  return (
    <>
      <h1 ref={heading} tabindex="-1" class="entrance-title outline-none">
        Your account is deleted
      </h1>
      <p class="mt-2 text-[14px] text-soft">
        Its sign-ins have ended, its API tokens no longer work, and what this browser kept for you is gone too. Thank
        you for having been here.
      </p>
      <A href={SIGN_IN} class="button mt-6">
        To the sign-in page
      </A>
    </>
  )
}

export const NoAccountsHere = () => (
  <>
    <h1 class="entrance-title">There is nothing to sign in to here</h1>
    <p class="mt-2 text-[14px] text-soft">
      This server has no accounts: whoever uses this machine is its one investor. No e-mail, no password.
    </p>
    <A href="/" class="button button-primary mt-6">
      To the market table
    </A>
  </>
)
