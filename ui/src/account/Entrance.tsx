/** What is there before anybody is signed in: /sign-in, /sign-up, /goodbye. Needs no market. */
import { createEffect, createSignal, lazy, Match, type ParentProps, Show, Switch } from "solid-js"
import { Logo } from "../shell/Logo.tsx"
import { ThemeButton } from "../shell/ThemeButton.tsx"
import type { AccountState } from "./answers.ts"
import { Candles } from "./Candles.tsx"
import "./entrance.css"
import { Farewell, NoAccountsHere } from "./Farewell.tsx"
import { SignIn, type TypedEmail } from "./SignIn.tsx"
import type { Reason } from "./session.ts"
import { FAREWELL, SIGN_UP } from "./wanted.ts"

const SignUp = lazy(() => import("./SignUp.tsx"))

export interface EntranceProps {
  /** null: this server has no accounts. */
  readonly account: AccountState | null
  /** Why one is here. */
  readonly reason: Reason | null
  readonly pathname: string
}

export const Entrance = (props: EntranceProps) => {
  const [typed, setTyped] = createSignal("")
  const email: TypedEmail = { typed, setTyped }
  createEffect(() => {
    const title =
      props.account === null
        ? "No accounts here"
        : props.pathname === FAREWELL
          ? "Account deleted"
          : props.pathname === SIGN_UP
            ? "Create an account"
            : "Sign in"
    document.title = `${title} · LZStock`
  })
  return (
    <div class="entrance">
      <div class="entrance-side">
        <header class="flex items-center justify-between">
          <span class="flex items-center gap-2.5 text-[16px] font-bold tracking-tight">
            <Logo /> LZStock
          </span>
          <ThemeButton />
        </header>
        <main id="main" class="entrance-main">
          <Switch>
            <Match when={props.account === null}>
              <NoAccountsHere />
            </Match>
            <Match when={props.pathname === FAREWELL}>
              <Farewell />
            </Match>
            <Match when={props.pathname === SIGN_UP && props.account}>
              {(account) => <SignUp account={account()} email={email} />}
            </Match>
            <Match when={props.account}>
              {(account) => <SignIn account={account()} email={email} reason={props.reason} />}
            </Match>
          </Switch>
        </main>
        <footer class="text-[12px] text-soft">
          <Show
            when={window.isSecureContext}
            fallback={
              <p class="text-warn">
                ⚠ The connection to {location.host} is not encrypted: others on the network can read what you type here.
              </p>
            }
          >
            <p>
              This server is <b class="font-semibold text-ink">{location.host}</b>
            </p>
          </Show>
        </footer>
      </div>
      <Picture>
        <p class="text-[26px] leading-9 font-semibold tracking-tight text-ink">
          Thousands of symbols
          <br />
          on one calm screen.
        </p>
        <p class="mt-2 text-[14px] text-soft">Live, on a server of your own.</p>
      </Picture>
    </div>
  )
}
export default Entrance

const Picture = (props: ParentProps) => (
  <div class="entrance-picture" aria-hidden="true">
    <Candles />
    <div class="entrance-words">{props.children}</div>
  </div>
)
