/** A token's secret, which is told once, and how a program uses it. */
import { onMount, Show } from "solid-js"
import { WarnIcon } from "../../shell/icons.tsx"
import type { Made } from "./NewToken.tsx"
import { CopyButton } from "./parts.tsx"

/** Where the command line looks when it is not told. */
const USUAL_SERVER = "http://127.0.0.1:4280"

export const TokenSecret = (props: {
  readonly made: Made
  /** Somebody tried to close it. */
  readonly warned: boolean
  readonly onCopied: () => void
  readonly onDone: () => void
}) => {
  let field!: HTMLTextAreaElement
  onMount(() => {
    field.focus()
    field.select()
  })
  const server = location.origin
  const url = server === USUAL_SERVER ? "" : `LZSTOCK_URL=${server} `
  const command = () => `${url}LZSTOCK_TOKEN=${props.made.secret} npx lzstock watch AAPL`
  const program = `import { connect } from "lzstock/client"

const url = "${server}"
const token = process.env.LZSTOCK_TOKEN
const client = connect({ url, token })
console.log(await client.quote("AAPL"))
await client.close()`
  return (
    <div class="mt-3 flex flex-col gap-4">
      <div class="form-warning">
        <WarnIcon />
        <p>
          <b class="font-semibold">This is the only time it is shown.</b> Keep it like a password: whoever has it can
          act in your name until it expires or you revoke it.
        </p>
      </div>
      <div>
        <label class="form-label" for="token-secret">
          Secret of “{props.made.token.name}”
        </label>
        <div class="flex gap-2 max-sm:flex-col">
          <textarea
            ref={field}
            id="token-secret"
            class="input code secret sm:flex-1"
            rows={2}
            readonly
            autocomplete="off"
            spellcheck={false}
            value={props.made.secret}
            onCopy={() => props.onCopied()}
            data-testid="token-secret"
          />
          <CopyButton
            text={props.made.secret}
            label="Copy"
            field={() => field}
            class="button button-primary sm:self-start"
            onCopied={props.onCopied}
          />
        </div>
      </div>
      <Example title="From the command line" text={command()} />
      <Example title="From a program" text={program} />
      <div role="alert">
        <Show when={props.warned}>
          <p class="font-medium text-warn">
            You have not copied the secret yet. Close once more and it is gone for good.
          </p>
        </Show>
      </div>
      <div class="flex justify-end">
        <button type="button" class="button" onClick={() => props.onDone()}>
          Done
        </button>
      </div>
    </div>
  )
}

const Example = (props: { readonly title: string; readonly text: string }) => (
  <div>
    <div class="mb-1.5 flex items-center justify-between">
      <h3 class="form-label mb-0">{props.title}</h3>
      <CopyButton text={props.text} label="Copy" class="icon-button" />
    </div>
    {/* it may be wider than the dialog: the keyboard scrolls it then */}
    <pre class="code-block" tabindex="0" role="group" aria-label={props.title}>
      <code>{props.text}</code>
    </pre>
  </div>
)
