/** A form that is sent once at a time, says what is wrong beside its fields, and waits when the server asks it to. */
import { createSignal, createUniqueId, onCleanup } from "solid-js"
import { noTrouble, type Trouble, troubleOfFields } from "./explain.ts"

export interface FormOptions {
  /** In the order in which they stand. */
  readonly names: ReadonlyArray<string>
  /** What can be told without asking. */
  readonly check: (values: Values) => Readonly<Record<string, string>>
  /** null: done. */
  readonly send: (values: Values) => Promise<Trouble | null>
}

/** As they stand in the form: a password manager fills fields in its own way. */
export type Values = (name: string) => string

export const useForm = (options: FormOptions) => {
  const id = createUniqueId()
  const [trouble, setTrouble] = createSignal<Trouble>(noTrouble)
  const [busy, setBusy] = createSignal(false)
  const [waitSeconds, setWaitSeconds] = createSignal(0)
  const [waited, setWaited] = createSignal(false)
  let gone = false
  let timer: ReturnType<typeof setInterval> | undefined
  onCleanup(() => {
    gone = true
    clearInterval(timer)
  })

  const wait = (millis: number) => {
    clearInterval(timer)
    const until = Date.now() + millis
    const tick = () => {
      const left = Math.max(0, Math.ceil((until - Date.now()) / 1_000))
      setWaitSeconds(left)
      if (left > 0) return
      clearInterval(timer)
      setWaited(true)
      // what it said is over
      setTrouble((now) => ({ ...now, summary: null, retryAfterMillis: null }))
    }
    timer = setInterval(tick, 250)
    tick()
  }
  const last = options.names.at(-1)
  const show = (form: HTMLFormElement, next: Trouble) => {
    setTrouble(next)
    const waits = next.retryAfterMillis !== null && next.retryAfterMillis > 0
    if (waits) wait(next.retryAfterMillis)
    // the button, which had the focus, may be pressed no more
    const name = options.names.find((one) => next.fields[one] !== undefined) ?? next.focus ?? (waits ? last : null)
    const field = name === null || name === undefined ? null : form.elements.namedItem(name)
    if (!(field instanceof HTMLInputElement)) return
    field.focus()
    // mended by typing it anew; all else is mended where it is wrong
    if (field.autocomplete.endsWith("password") && !waits) field.select()
  }

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget
    if (!(form instanceof HTMLFormElement) || busy() || waitSeconds() > 0) return
    const data = new FormData(form)
    const values: Values = (name) => {
      const value = data.get(name)
      return typeof value === "string" ? value : ""
    }
    const wrong = options.check(values)
    if (Object.keys(wrong).length > 0) {
      show(form, troubleOfFields(wrong))
      return
    }
    setBusy(true)
    setWaited(false)
    setTrouble(noTrouble)
    try {
      const answer = await options.send(values)
      if (answer !== null && !gone) show(form, answer)
    } finally {
      setBusy(false)
    }
  }

  return {
    submit: (event: SubmitEvent) => void submit(event),
    busy,
    /** How long the server wants to be left alone. */
    waitSeconds,
    /** It had to wait, and need not any more. */
    waited,
    summary: () => trouble().summary,
    errorOf: (name: string): string | undefined => trouble().fields[name],
    /** What was wrong with it is being mended. */
    touched: (name: string) => {
      if (trouble().fields[name] === undefined) return
      setTrouble((now) => {
        const fields = Object.fromEntries(Object.entries(now.fields).filter(([other]) => other !== name))
        return { ...now, fields, summary: Object.keys(fields).length === 0 ? null : now.summary }
      })
    },
    idOf: (name: string) => `${id}-${name}`
  }
}
export type Form = ReturnType<typeof useForm>
