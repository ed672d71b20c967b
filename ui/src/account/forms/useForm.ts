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
  /** Whose the wait is where the server wants it of one sender only (`Trouble.ofSender`), such as an account. Default: of everybody. */
  readonly sender?: (values: Values) => string
}

/** As they stand in the form: a password manager fills fields in its own way. */
export type Values = (name: string) => string

interface Wait {
  /** ms since epoch */
  readonly until: number
  readonly text: string | null
}
/** The sender of a wait that holds whoever sends. */
const ANYBODY = ""

const valuesOf = (form: HTMLFormElement): Values => {
  const data = new FormData(form)
  return (name) => {
    const value = data.get(name)
    return typeof value === "string" ? value : ""
  }
}

export const useForm = (options: FormOptions) => {
  const id = createUniqueId()
  const [trouble, setTrouble] = createSignal<Trouble>(noTrouble)
  const [busy, setBusy] = createSignal(false)
  /** By sender. */
  const [waits, setWaits] = createSignal<ReadonlyMap<string, Wait>>(new Map())
  const [now, setNow] = createSignal(Date.now())
  const [sender, setSender] = createSignal(ANYBODY)
  const [waited, setWaited] = createSignal(false)
  const senderOf = (values: Values) => options.sender?.(values) ?? ANYBODY
  let gone = false
  let timer: ReturnType<typeof setInterval> | undefined
  onCleanup(() => {
    gone = true
    clearInterval(timer)
  })

  /** The longer one of those that hold for what stands in the form. */
  const held = (): Wait | undefined =>
    [ANYBODY, sender()]
      .flatMap((one) => waits().get(one) ?? [])
      .sort((a, b) => b.until - a.until)
      .at(0)
  const waitSeconds = () => Math.max(0, Math.ceil(((held()?.until ?? 0) - now()) / 1_000))
  const tick = () => {
    const isHeld = held() !== undefined
    setNow(Date.now())
    setWaits((all) => new Map(Array.from(all).filter(([, { until }]) => until > now())))
    if (isHeld && held() === undefined) setWaited(true)
    if (waits().size === 0) clearInterval(timer)
  }
  const wait = (whose: string, millis: number, text: string | null) => {
    clearInterval(timer)
    setNow(Date.now())
    setWaits((all) => new Map(all).set(whose, { until: Date.now() + millis, text }))
    timer = setInterval(tick, 250)
  }
  const last = options.names.at(-1)
  const show = (form: HTMLFormElement, next: Trouble, whose = ANYBODY) => {
    const waits = next.retryAfterMillis !== null && next.retryAfterMillis > 0
    // what is said of a wait goes with it
    setTrouble(waits ? { ...next, summary: null } : next)
    if (waits) wait(next.ofSender ? whose : ANYBODY, next.retryAfterMillis, next.summary)
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
    if (!(form instanceof HTMLFormElement) || busy()) return
    const values = valuesOf(form)
    const wrong = options.check(values)
    const whose = senderOf(values)
    setSender(whose)
    if (waitSeconds() > 0) return
    if (Object.keys(wrong).length > 0) {
      show(form, troubleOfFields(wrong))
      return
    }
    setBusy(true)
    setWaited(false)
    setTrouble(noTrouble)
    try {
      const answer = await options.send(values)
      if (answer !== null && !gone) show(form, answer, whose)
    } finally {
      setBusy(false)
      // what was typed meanwhile
      setSender(senderOf(valuesOf(form)))
    }
  }

  return {
    submit: (event: SubmitEvent) => void submit(event),
    busy,
    /** How long the server wants to be left alone. */
    waitSeconds,
    /** It had to wait, and need not any more. */
    waited,
    summary: () => held()?.text ?? trouble().summary,
    errorOf: (name: string): string | undefined => trouble().fields[name],
    /** Something was typed: what was wrong with it is being mended, and it may be another who sends. */
    typed: (input: HTMLInputElement) => {
      if (input.form !== null && !busy()) setSender(senderOf(valuesOf(input.form)))
      if (trouble().fields[input.name] === undefined) return
      setTrouble((now) => {
        const fields = Object.fromEntries(Object.entries(now.fields).filter(([other]) => other !== input.name))
        return { ...now, fields, summary: Object.keys(fields).length === 0 ? null : now.summary }
      })
    },
    idOf: (name: string) => `${id}-${name}`
  }
}
export type Form = ReturnType<typeof useForm>
