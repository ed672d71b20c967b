/** What the account page's sections are made of. */
import { createSignal, createUniqueId, type JSX, onCleanup, Show } from "solid-js"
import { formatDate, formatExact, formatMoment } from "../../format/moments.ts"
import { useMarket } from "../../market/context.ts"
import { CheckIcon, CopyIcon } from "../../shell/icons.tsx"
import { sayError } from "./say.ts"
import type { Asked } from "./useAsked.ts"

export const headingId = (section: string): string => `${section}-heading`
/** Where the focus goes when what had it is gone. */
export const focusHeading = (section: string): void => document.getElementById(headingId(section))?.focus()

export const Section = (props: {
  readonly id: string
  readonly title: string
  readonly text?: JSX.Element
  /** At the heading's right. */
  readonly action?: JSX.Element
  readonly children: JSX.Element
}) => (
  <section id={props.id} class="account-section" aria-labelledby={headingId(props.id)}>
    <div class="account-head">
      <h2 id={headingId(props.id)} tabindex="-1" class="text-[15px] font-semibold outline-none">
        {props.title}
      </h2>
      <Show when={props.text}>
        <p class="max-w-[76ch] text-soft">{props.text}</p>
      </Show>
      {props.action}
    </div>
    <div class="account-card">{props.children}</div>
  </section>
)

/** `children` once there is an answer; until then its place, or why there is none. */
export const Answered = <A,>(props: {
  readonly asked: Asked<A>
  readonly what: string
  readonly children: (value: () => A) => JSX.Element
}) => (
  <>
    <Show when={props.asked.error()}>
      {(error) => (
        <p role="status" class="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 text-warn">
          <span>
            ⚠ {props.what}: {sayError(error())}
          </span>
          <button type="button" class="text-link" onClick={() => void props.asked.reload()}>
            Try again
          </button>
        </p>
      )}
    </Show>
    <Show
      when={props.asked.value() !== undefined ? { value: props.asked.value } : undefined}
      fallback={
        <Show when={props.asked.error() === null}>
          <div class="flex flex-col gap-2.5 p-4" role="status" aria-busy="true" aria-label={`Loading: ${props.what}`}>
            <div class="skeleton h-4 w-56" />
            <div class="skeleton h-4 w-80 max-w-full" />
          </div>
        </Show>
      }
    >
      {(told) => {
        const value = () => told().value()
        return props.children(() => {
          const now = value()
          if (now === undefined) throw new Error("an answer does not go away")
          return now
        })
      }}
    </Show>
  </>
)

/** How long ago, or how soon; to the second where one points at it. */
export const When = (props: { readonly at: number; readonly class?: string; readonly date?: boolean }) => {
  const market = useMarket()
  const now = () => {
    market.second()
    return Date.now()
  }
  return (
    <time datetime={new Date(props.at).toISOString()} title={formatExact(props.at)} class={props.class}>
      {props.date === true ? formatDate(props.at) : formatMoment(props.at, now())}
    </time>
  )
}

/** `field`: what holds the text, for browsers that let no script at the clipboard of an unencrypted page. */
export const CopyButton = (props: {
  readonly text: string
  readonly label: string
  readonly field?: () => HTMLTextAreaElement
  readonly class?: string
  readonly onCopied?: () => void
}) => {
  const [state, setState] = createSignal<"" | "copied" | "failed">("")
  let timer: ReturnType<typeof setTimeout> | undefined
  onCleanup(() => clearTimeout(timer))
  const status = createUniqueId()
  const copy = async () => {
    const done = (await toClipboard(props.text)) || bySelection(props.field?.())
    setState(done ? "copied" : "failed")
    if (done) props.onCopied?.()
    clearTimeout(timer)
    timer = setTimeout(() => setState(""), 3_000)
  }
  return (
    <>
      <button type="button" class={props.class ?? "button"} aria-describedby={status} onClick={() => void copy()}>
        <Show when={state() === "copied"} fallback={<CopyIcon />}>
          <CheckIcon />
        </Show>
        {state() === "copied" ? "Copied" : props.label}
      </button>
      <span id={status} role="status" class={state() === "failed" ? "text-[12px] text-warn" : "sr-only"}>
        {state() === "copied"
          ? "Copied."
          : state() === "failed"
            ? "The browser did not let it be copied: select it, and copy it by hand."
            : ""}
      </span>
    </>
  )
}

const toClipboard = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

const bySelection = (field: HTMLTextAreaElement | undefined): boolean => {
  if (field === undefined) return false
  field.focus()
  field.select()
  try {
    return document.execCommand("copy")
  } catch {
    return false
  }
}
