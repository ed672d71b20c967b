/** The dialog that makes a token, and then shows its secret, once. */
import { Dialog } from "@kobalte/core/dialog"
import { createSignal, createUniqueId, For, Show } from "solid-js"
import { type ApiToken, LimitExceeded, ServerFailed } from "../../../../src/rpc/client.ts"
import { formatDate } from "../../format/moments.ts"
import { useMarket } from "../../market/context.ts"
import { CloseIcon, PlusIcon } from "../../shell/icons.tsx"
import { fieldErrors, noTrouble } from "../forms/explain.ts"
import { FormTrouble, SubmitButton, TextField } from "../forms/fields.tsx"
import { useForm } from "../forms/useForm.ts"
import { sayError } from "./say.ts"
import { TokenSecret } from "./TokenSecret.tsx"
import { nameError, roomText } from "./tokenName.ts"

const DAY = 86_400_000
const lifetimes = [7, 30, 90, 365] as const
const usual = 90

export interface Made {
  readonly secret: string
  readonly token: ApiToken
}

export const NewToken = (props: { readonly onMade: () => void }) => {
  let content!: HTMLDivElement
  const [open, setOpen] = createSignal(false)
  const [made, setMade] = createSignal<Made | null>(null)
  /** What is shown is nowhere else: it is not closed by chance. */
  const [kept, setKept] = createSignal(true)
  const [warned, setWarned] = createSignal(false)
  const close = () => {
    setOpen(false)
    // nothing of the secret stays on the page
    setMade(null)
    setKept(true)
    setWarned(false)
  }
  return (
    <Dialog
      open={open()}
      onOpenChange={(next) => {
        if (next) setOpen(true)
        else if (kept() || warned()) close()
        else setWarned(true)
      }}
    >
      <Dialog.Trigger class="button shrink-0">
        <PlusIcon /> New token
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay class="fixed inset-0 z-50 bg-black/60" />
        <div class="dialog-place">
          <Dialog.Content
            ref={content}
            class="dialog max-w-lg"
            onOpenAutoFocus={(event) => {
              event.preventDefault()
              content.querySelector<HTMLInputElement>('input[name="name"]')?.focus()
            }}
            onInteractOutside={(event) => {
              if (!kept()) event.preventDefault()
            }}
          >
            <div class="flex items-start justify-between gap-3">
              <Dialog.Title class="text-base font-semibold">
                {made() === null ? "New API token" : "Your new token"}
              </Dialog.Title>
              <Dialog.CloseButton class="icon-button -mt-1 -mr-1.5" aria-label="Close">
                <CloseIcon />
              </Dialog.CloseButton>
            </div>
            <Show
              when={made()}
              fallback={
                <TokenForm
                  onCancel={close}
                  onMade={(next) => {
                    setKept(false)
                    setMade(next)
                    props.onMade()
                  }}
                />
              }
            >
              {(now) => <TokenSecret made={now()} warned={warned()} onCopied={() => setKept(true)} onDone={close} />}
            </Show>
          </Dialog.Content>
        </div>
      </Dialog.Portal>
    </Dialog>
  )
}

const TokenForm = (props: { readonly onMade: (made: Made) => void; readonly onCancel: () => void }) => {
  const market = useMarket()
  const [days, setDays] = createSignal<number>(usual)
  const [name, setName] = createSignal("")
  const names = ["name"]
  const writeHint = createUniqueId()
  const form = useForm({
    names,
    check: (value) => fieldErrors({ name: nameError(value("name")) }),
    send: async (value) => {
      try {
        props.onMade(
          await market.client.account.createToken({
            name: value("name").trim(),
            access: value("access") === "write" ? "write" : "read",
            days: days()
          })
        )
        return null
      } catch (error) {
        return {
          ...noTrouble,
          summary:
            error instanceof LimitExceeded
              ? `You have ${error.allowed} tokens, the most there may be. Revoke one that is not needed any more.`
              : error instanceof ServerFailed
                ? "The connection broke before the answer came, so a token may have been made that nobody can use. Look in the list, and revoke it there."
                : sayError(error)
        }
      }
    }
  })
  return (
    <form method="post" novalidate onSubmit={form.submit} class="form mt-4" aria-label="New API token">
      <FormTrouble form={form} />
      <TextField
        form={form}
        name="name"
        label="Name"
        hint="What it is for, such as “Nightly report”. You will know it by this name."
        autocomplete="off"
        required
        onText={setName}
        below={
          <p
            role="status"
            class="form-room"
            classList={{ "text-warn": nameError(name()) !== null }}
            data-testid="name-room"
          >
            {roomText(name()) ?? ""}
          </p>
        }
      />
      <fieldset>
        <legend class="form-label">It may</legend>
        <div class="choices">
          <label class="choice">
            <input type="radio" name="access" value="read" checked />
            <span>
              <b>Read</b>
              <span class="choice-text">Prices, charts, companies, and what is yours.</span>
            </span>
          </label>
          <label class="choice">
            <input type="radio" name="access" value="write" aria-describedby={writeHint} />
            <span>
              <b>Read and write</b>
              <span class="choice-text">Also change what is yours.</span>
            </span>
          </label>
        </div>
        <p id={writeHint} class="form-hint">
          Today there is nothing that a program could change, so both do the same.
        </p>
      </fieldset>
      <fieldset>
        <legend class="form-label">It works for</legend>
        <div class="segments">
          <For each={lifetimes}>
            {(count) => (
              <label class="segment">
                <input
                  type="radio"
                  name="days"
                  value={count}
                  checked={count === usual}
                  onChange={() => setDays(count)}
                />
                <span>{count === 365 ? "1 year" : `${count} days`}</span>
              </label>
            )}
          </For>
        </div>
        <p class="form-hint">Until {formatDate(Date.now() + days() * DAY)}. Shorter is safer.</p>
      </fieldset>
      <div class="flex flex-wrap justify-end gap-2.5">
        <button type="button" class="button" onClick={() => props.onCancel()}>
          Cancel
        </button>
        <SubmitButton form={form} busyText="Creating…">
          Create token
        </SubmitButton>
      </div>
    </form>
  )
}
