import { A, useLocation } from "@solidjs/router"
import { Match, onMount, Show, Switch } from "solid-js"
import type { AccountState } from "./answers.ts"
import { session } from "./current.ts"
import { emailError, fieldErrors, knownPasswordError, noTrouble, sentence, troubleOf } from "./forms/explain.ts"
import { FormTrouble, PasswordField, SubmitButton, TextField } from "./forms/fields.tsx"
import { useForm } from "./forms/useForm.ts"
import type { Reason } from "./session.ts"
import { entrancePath, SIGN_UP, wantedOf } from "./wanted.ts"

const names = ["email", "password"]

/** With a keyboard at hand one can type at once; on a phone its keyboard would cover the page unasked. */
export const focusFirst = (form: HTMLFormElement): void => {
  if (!matchMedia("(pointer: fine)").matches) return
  const first = form.elements.namedItem("email")
  if (first instanceof HTMLInputElement) first.focus()
}

export const SignIn = (props: { readonly account: AccountState; readonly reason: Reason | null }) => {
  const location = useLocation()
  let element!: HTMLFormElement
  onMount(() => focusFirst(element))
  const form = useForm({
    names,
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

const ReasonNote = (props: { readonly reason: Reason | null }) => (
  <div role="status" data-testid="reason">
    <Switch>
      <Match when={props.reason === "left"}>
        <p class="form-note">You are signed out.</p>
      </Match>
      <Match when={props.reason === "left-elsewhere"}>
        <p class="form-note">You signed out in another tab.</p>
      </Match>
      <Match when={props.reason === "everywhere"}>
        <p class="form-note">You are signed out everywhere.</p>
      </Match>
      <Match when={props.reason === "ended"}>
        <p class="form-note">
          Your sign-in here has ended: it ran out, was ended from another browser, or the password was changed. Sign in
          to go on where you were.
        </p>
      </Match>
    </Switch>
  </div>
)
