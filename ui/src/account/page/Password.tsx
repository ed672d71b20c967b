import { createEffect, createRoot, createSignal, onCleanup, Show } from "solid-js"
import { CheckIcon } from "../../shell/icons.tsx"
import { investor, minPasswordLength, session } from "../current.ts"
import { fieldErrors, knownPasswordError, newPasswordError, troubleOf, troubleOfFields } from "../forms/explain.ts"
import { FormTrouble, PasswordField, SubmitButton } from "../forms/fields.tsx"
import { useForm } from "../forms/useForm.ts"
import { Section } from "./parts.tsx"

const names = ["current", "next"]

/** Outlives the page: with the password the cookie changes, and so the connection and all that stands on it. */
const [changed, setChanged] = createRoot(() => createSignal(false))

export const Password = () => {
  let message: HTMLParagraphElement | undefined
  onCleanup(() => setChanged(false))
  createEffect(() => {
    if (changed()) message?.focus()
  })
  const form = useForm({
    names,
    check: (value) =>
      fieldErrors({
        current: knownPasswordError(value("current")),
        next:
          newPasswordError(value("next"), minPasswordLength()) ??
          (value("next") === value("current") ? "This is the password you have now." : null)
      }),
    send: async (value) => {
      setChanged(false)
      const problem = await session.changePassword(value("current"), value("next"))
      if (problem !== null) {
        return problem.error === "SignInRefused"
          ? troubleOfFields({ current: "This is not your current password." })
          : troubleOf(problem, names, { WeakPassword: ["next", ""] })
      }
      setChanged(true)
      return null
    }
  })
  return (
    <Section
      id="password"
      title="Password"
      text="Changing it signs out every other browser. API tokens go on working until you revoke them."
    >
      <form
        method="post"
        novalidate
        onSubmit={form.submit}
        class="form max-w-sm p-4"
        aria-label="Change the password"
        data-testid="password-form"
      >
        <Show when={changed()}>
          <p ref={message} tabindex="-1" role="status" class="form-done" data-testid="password-changed">
            <CheckIcon /> Your password is changed, and all other browsers are signed out.
          </p>
        </Show>
        <FormTrouble form={form} />
        <AccountName />
        <PasswordField form={form} name="current" label="Current password" autocomplete="current-password" />
        <PasswordField
          form={form}
          name="next"
          label="New password"
          autocomplete="new-password"
          hint={`At least ${minPasswordLength()} characters.`}
        />
        <div>
          <SubmitButton form={form} busyText="Changing…" class="button-primary max-md:w-full">
            Change password
          </SubmitButton>
        </div>
      </form>
    </Section>
  )
}

/** Unseen: tells a password manager whose password it is. */
export const AccountName = () => (
  <input type="text" name="username" autocomplete="username" value={investor()?.email ?? ""} readonly hidden />
)
