/** Fields of a form, with their hints and errors where assistive technology finds them. */
import { createSignal, createUniqueId, type JSX, Show, splitProps } from "solid-js"
import { EyeIcon, EyeOffIcon, WarnIcon } from "../../shell/icons.tsx"
import { waitText } from "./explain.ts"
import type { Form } from "./useForm.ts"

interface FieldProps {
  readonly form: Form
  readonly name: string
  readonly label: JSX.Element
  readonly hint?: JSX.Element
  /** Told of what is typed. */
  readonly onText?: (text: string) => void
  /** Beside the error: a way out of it. */
  readonly remedy?: JSX.Element
}

type InputProps = FieldProps & Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "form" | "name" | "id">

/** Label, field, hint and error; `beside` stands within the field's right end. */
export const TextField = (props: InputProps & { readonly beside?: JSX.Element; readonly below?: JSX.Element }) => {
  const [own, input] = splitProps(props, [
    "form",
    "name",
    "label",
    "hint",
    "beside",
    "below",
    "class",
    "onText",
    "remedy"
  ])
  const id = () => own.form.idOf(own.name)
  const error = () => own.form.errorOf(own.name)
  const described = () =>
    [error() === undefined ? "" : `${id()}-error`, own.hint === undefined ? "" : `${id()}-hint`]
      .filter((one) => one !== "")
      .join(" ")
  return (
    <div class="form-field">
      <label for={id()} class="form-label">
        {own.label}
      </label>
      <div class="relative">
        <input
          {...input}
          id={id()}
          name={own.name}
          class={`input ${own.beside === undefined ? "" : "pr-11"} ${own.class ?? ""}`}
          aria-invalid={error() !== undefined}
          aria-describedby={described() === "" ? undefined : described()}
          onInput={(event) => {
            own.form.typed(event.currentTarget)
            own.onText?.(event.currentTarget.value)
          }}
        />
        {own.beside}
      </div>
      <Show when={error()}>
        {(text) => (
          <p id={`${id()}-error`} class="form-error">
            <WarnIcon />
            <span>
              {text()} {own.remedy}
            </span>
          </p>
        )}
      </Show>
      {own.below}
      <Show when={own.hint}>
        <p id={`${id()}-hint`} class="form-hint">
          {own.hint}
        </p>
      </Show>
    </div>
  )
}

/** What is typed can be seen on request, and a caps lock that is on is told. */
export const PasswordField = (
  props: FieldProps & {
    readonly autocomplete: "current-password" | "new-password"
    readonly autofocus?: boolean
    readonly minlength?: number
  }
) => {
  const [seen, setSeen] = createSignal(false)
  const [capsLock, setCapsLock] = createSignal(false)
  const watchCaps = (event: KeyboardEvent) => {
    // the key itself tells the state it ends as it comes up again
    if (event.key !== "CapsLock" || event.type === "keyup") setCapsLock(event.getModifierState("CapsLock"))
  }
  const name = () => (typeof props.label === "string" ? props.label.toLowerCase() : "password")
  return (
    <TextField
      {...props}
      // as a password again when it is sent: browsers offer to keep what was one
      type={seen() && !props.form.busy() ? "text" : "password"}
      autocapitalize="none"
      autocorrect="off"
      spellcheck={false}
      required
      onKeyDown={watchCaps}
      onKeyUp={watchCaps}
      onBlur={() => setCapsLock(false)}
      beside={
        <button
          type="button"
          class="field-button"
          aria-label={seen() ? `Hide ${name()}` : `Show ${name()}`}
          title={seen() ? "Hide" : "Show"}
          aria-controls={props.form.idOf(props.name)}
          onClick={() => setSeen((now) => !now)}
        >
          <Show when={seen()} fallback={<EyeIcon />}>
            <EyeOffIcon />
          </Show>
        </button>
      }
      below={
        <p role="status" class="form-caps">
          {capsLock() ? "Caps Lock is on." : ""}
        </p>
      }
    />
  )
}

/** What is wrong with the form as a whole; read out at once. */
export const FormTrouble = (props: { readonly form: Form; readonly children?: JSX.Element }) => (
  <div role="alert" data-testid="form-trouble">
    <Show when={props.form.summary()}>
      {(text) => (
        <div class="form-trouble">
          <WarnIcon />
          <p>
            {text()} {props.children}
          </p>
        </div>
      )}
    </Show>
  </div>
)

/** Pressed once; while the server is busy or wants to be left alone it says so. */
export const SubmitButton = (props: {
  readonly form: Form
  readonly busyText: string
  readonly class?: string
  readonly children: JSX.Element
}) => {
  const note = createUniqueId()
  return (
    <>
      <button
        type="submit"
        class={`button ${props.class ?? "button-primary"}`}
        disabled={props.form.waitSeconds() > 0}
        aria-disabled={props.form.busy() || undefined}
        aria-describedby={note}
      >
        <Show
          when={props.form.waitSeconds() > 0}
          fallback={
            <Show when={props.form.busy()} fallback={props.children}>
              <span class="spinner" aria-hidden="true" />
              {props.busyText}
            </Show>
          }
        >
          Try again in {waitText(props.form.waitSeconds())}
        </Show>
      </button>
      <span id={note} role="status" class="sr-only">
        {props.form.busy() ? props.busyText : props.form.waited() ? "You can try again now." : ""}
      </span>
    </>
  )
}
