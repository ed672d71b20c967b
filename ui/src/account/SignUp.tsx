import { A, useLocation } from "@solidjs/router"
import { createSignal, onMount, Show, untrack } from "solid-js"
import type { AccountState } from "./answers.ts"
import { session } from "./current.ts"
import { emailError, fieldErrors, newPasswordError, troubleOf } from "./forms/explain.ts"
import { FormTrouble, PasswordField, SubmitButton, TextField } from "./forms/fields.tsx"
import { useForm } from "./forms/useForm.ts"
import { focusFirst, type TypedEmail } from "./SignIn.tsx"
import { entrancePath, SIGN_IN, wantedOf } from "./wanted.ts"

const TAKEN = "There is an account with this address already."

const SignUp = (props: { readonly account: AccountState; readonly email: TypedEmail }) => {
  const location = useLocation()
  const byOperator = () => props.account.signUp === "operator"
  const names = ["email", "password", "operator"]
  let element!: HTMLFormElement
  let note: HTMLParagraphElement | undefined
  /** Of somebody else, by an operator: nobody is signed in by it. */
  const [made, setMade] = createSignal<string | null>(null)
  onMount(() => focusFirst(element))
  const form = useForm({
    names,
    check: (value) =>
      fieldErrors({
        email: emailError(value("email")),
        password: newPasswordError(value("password"), props.account.minPasswordLength),
        operator: byOperator() && value("operator").trim() === "" ? "Enter the operator's token." : null
      }),
    send: async (value) => {
      const operator = byOperator() ? value("operator").trim() : null
      setMade(null)
      const problem = await session.signUp(value("email"), value("password"), operator)
      if (problem === null && operator !== null) {
        setMade(value("email").trim())
        // neither password nor token stays where others may come by
        element.reset()
        note?.focus()
      }
      return problem === null
        ? null
        : troubleOf(problem, names, {
            EmailTaken: ["email", TAKEN],
            WeakPassword: ["password", ""],
            ...(byOperator() ? { NotAllowed: ["operator", "This is not the operator's token."] } : {})
          })
    }
  })
  const signIn = () => entrancePath(SIGN_IN, wantedOf(location.search))
  return (
    <>
      <h1 class="entrance-title">Create an account</h1>
      <Show when={byOperator()}>
        <p class="form-note">
          On this server only its operator makes accounts, so the form asks for the operator's token as well. It is in
          the file <code>operator-token</code> of the server's data folder.
        </p>
      </Show>
      <div role="status" data-testid="made">
        <Show when={made()}>
          {(email) => (
            <p ref={note} tabindex="-1" class="form-note outline-none">
              The account <b class="font-semibold break-words">{email()}</b> is made. Tell its owner the password: they
              sign in with it, and change it under Account. Is it your own?{" "}
              <A href={signIn()} state={location.state} class="text-link">
                Sign in
              </A>
            </p>
          )}
        </Show>
      </div>
      <form ref={element} method="post" novalidate onSubmit={form.submit} class="form" aria-label="Create an account">
        <FormTrouble form={form} />
        <TextField
          form={form}
          name="email"
          label="E-mail"
          value={untrack(props.email.typed)}
          onText={props.email.setTyped}
          remedy={
            <Show when={form.errorOf("email") === TAKEN}>
              <A href={signIn()} state={location.state} class="text-link">
                Sign in instead
              </A>
            </Show>
          }
          hint="You sign in with it. Nothing is sent to it."
          type="email"
          inputmode="email"
          autocomplete="username"
          autocapitalize="none"
          autocorrect="off"
          spellcheck={false}
          required
        />
        <PasswordField
          form={form}
          name="password"
          label="Password"
          autocomplete="new-password"
          hint={<PasswordHint least={props.account.minPasswordLength} />}
        />
        <Show when={byOperator()}>
          <TextField
            form={form}
            name="operator"
            label="Operator's token"
            type="text"
            class="masked"
            autocomplete="off"
            autocapitalize="none"
            autocorrect="off"
            spellcheck={false}
            required
          />
        </Show>
        <SubmitButton form={form} busyText="Creating the account…" class="button-primary button-wide">
          Create account
        </SubmitButton>
      </form>
      <p class="mt-6 text-soft">
        Have an account?{" "}
        <A href={signIn()} state={location.state} class="text-link">
          Sign in
        </A>
      </p>
    </>
  )
}
export default SignUp

/** Length is what makes a password strong; rules about signs only make it hard to type. */
export const PasswordHint = (props: { readonly least: number }) => (
  <>At least {props.least} characters. Four or five words in a row are strong, and easy to type.</>
)
