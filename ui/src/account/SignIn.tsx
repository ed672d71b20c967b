import { A, useLocation } from "@solidjs/router"
import { onMount, Show, untrack } from "solid-js"
import { normaliseEmail } from "../../../src/rpc/investors.ts"
import type { AccountState } from "./answers.ts"
import { session } from "./current.ts"
import { emailError, fieldErrors, knownPasswordError, noTrouble, sentence, troubleOf } from "./forms/explain.ts"
import { FormTrouble, PasswordField, SubmitButton, TextField } from "./forms/fields.tsx"
import { useForm } from "./forms/useForm.ts"
import type { Reason } from "./session.ts"
import { entrancePath, SIGN_UP, wantedOf } from "./wanted.ts"

const names = ["email", "password"]

/** The address as it stands in the form: who goes from signing in to signing up, or back, need not type it again. */
export interface TypedEmail {
  readonly typed: () => string
  readonly setTyped: (text: string) => void
}

/** With a keyboard at hand one can type at once; on a phone its keyboard would cover the page unasked. */
export const focusFirst = (form: HTMLFormElement): void => {
  if (!matchMedia("(pointer: fine)").matches) return
  const first = ["email", "password"]
    .map((name) => form.elements.namedItem(name))
    .find((field) => field instanceof HTMLInputElement && field.value === "")
  if (first instanceof HTMLInputElement) first.focus()
}

export const SignIn = (props: {
  readonly account: AccountState
  readonly email: TypedEmail
  readonly reason: Reason | null
}) => {
  const location = useLocation()
  let element!: HTMLFormElement
  onMount(() => focusFirst(element))
  const form = useForm({
    names,
    sender: (value) => normaliseEmail(value("email")) ?? value("email"),
    check: (value) =>
      fieldErrors({ email: emailError(value("email")), password: knownPasswordError(value("password")) }),
    send: async (value) => {
      const problem = await session.signIn(value("email"), value("password"))
      if (problem === null) return null
      return problem.error === "SignInRefused"
        ? { ...noTrouble, summary: sentence(problem.message), focus: "password" }
        : troubleOf(problem, names)
    }
  })
  return (
    <>
      <h1 class="entrance-title">Sign in</h1>
      <ReasonNote reason={props.reason} />
      <form ref={element} method="post" novalidate onSubmit={form.submit} class="form" aria-label="Sign in">
        <FormTrouble form={form} />
        <TextField
          form={form}
          name="email"
          label="E-mail"
          value={untrack(props.email.typed)}
          onText={props.email.setTyped}
          type="email"
          inputmode="email"
          autocomplete="username"
          autocapitalize="none"
          autocorrect="off"
          spellcheck={false}
          required
        />
        <PasswordField form={form} name="password" label="Password" autocomplete="current-password" />
        <SubmitButton form={form} busyText="Signing in…" class="button-primary button-wide">
          Sign in
        </SubmitButton>
      </form>
      <p class="mt-6 text-soft">
        <Show
          when={props.account.signUp === "open"}
          fallback={
            <>
              No account yet? On this server its operator makes them.{" "}
              <A href={entrancePath(SIGN_UP, wantedOf(location.search))} state={location.state} class="text-link">
                I am the operator
              </A>
            </>
          }
        >
          No account yet?{" "}
          <A href={entrancePath(SIGN_UP, wantedOf(location.search))} state={location.state} class="text-link">
            Create one
          </A>
        </Show>
      </p>
      <p class="mt-2 text-soft">Forgotten the password? Whoever runs this server can give you another.</p>
    </>
  )
}

const again = "Sign in to go on where you were."
const reasons: Readonly<Record<Reason, string>> = {
  left: "You are signed out.",
  "left-elsewhere": "You signed out in another tab.",
  everywhere: "You are signed out everywhere.",
  deleted: "Your account is deleted.",
  wanted: `This server asks everybody to sign in now. ${again}`,
  ended: `Your sign-in here has ended: it ran out, or was ended elsewhere. ${again}`,
  expired: `Your sign-in here has run out. ${again}`,
  "signed-out": "You signed out in another tab.",
  "sign-in-ended": `This browser was signed out from another one. If that was not you, change your password. ${again}`,
  "signed-out-everywhere": `This browser was signed out from another one, with all others. ${again}`,
  "password-changed": "Your password was changed in another browser. Sign in with the new one to go on where you were.",
  "password-reset": "Whoever runs this server gave your account another password. Sign in with that one.",
  banned: "Your account was suspended by whoever runs this server. Ask them about it.",
  "account-deleted": "This account was deleted.",
  "token-revoked": `Your sign-in here has ended. ${again}`
}

const ReasonNote = (props: { readonly reason: Reason | null }) => (
  <div role="status" data-testid="reason">
    <Show when={props.reason}>{(reason) => <p class="form-note">{reasons[reason()]}</p>}</Show>
  </div>
)
