/** What is kept of the investor: to take along, or to be deleted. */
import { createSignal, Show } from "solid-js"
import { useMarket } from "../../market/context.ts"
import { DownloadIcon } from "../../shell/icons.tsx"
import { readRecent } from "../../symbol/recent.ts"
import { watchlist } from "../../watchlist/watchlist.ts"
import { isLocal } from "../current.ts"
import { DeleteAccount } from "./DeleteAccount.tsx"
import { Section } from "./parts.tsx"
import { sayError } from "./say.ts"

export const YourData = (props: { readonly onChange: () => void }) => (
  <Section id="data" title="Your data">
    <ul class="account-list">
      <li class="account-row">
        <div class="min-w-0">
          <p class="font-semibold">Download your data</p>
          <p class="max-w-[56ch] text-soft">
            {isLocal() ? "" : "Your account, its sign-ins, "}
            {isLocal() ? "Tokens" : "tokens"} and activity, and the watch list kept in this browser, as one JSON file.
            Never a password or a token's secret.
          </p>
        </div>
        <ExportButton onDone={props.onChange} />
      </li>
      <Show when={!isLocal()}>
        <li class="account-row">
          <div class="min-w-0">
            <p class="font-semibold">Delete this account</p>
            <p class="max-w-[56ch] text-soft">
              All that is kept of you goes, at once and for good. Of what happened, only lines without your name stay.
            </p>
          </div>
          <DeleteAccount />
        </li>
      </Show>
    </ul>
  </Section>
)

export const ExportButton = (props: { readonly onDone?: () => void }) => {
  const market = useMarket()
  const [busy, setBusy] = createSignal(false)
  const [said, setSaid] = createSignal("")
  const run = async () => {
    if (busy()) return
    setBusy(true)
    setSaid("")
    try {
      const told = await market.client.account.export()
      const thisBrowser = { watchList: watchlist.symbols(), recentlyViewed: readRecent() }
      saveFile(
        `lzstock-${new Date(told.exportedAt).toISOString().slice(0, 10)}.json`,
        JSON.stringify({ ...told, thisBrowser }, null, 2)
      )
      setSaid("Your data is downloaded.")
      props.onDone?.()
    } catch (error) {
      setSaid(sayError(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <div class="flex flex-col items-end gap-1.5 max-md:items-stretch">
      <button type="button" class="button" aria-disabled={busy() || undefined} onClick={() => void run()}>
        <Show when={busy()} fallback={<DownloadIcon />}>
          <span class="spinner" aria-hidden="true" />
        </Show>
        Download
      </button>
      <span role="status" class="text-[12px] text-soft empty:sr-only">
        {said()}
      </span>
    </div>
  )
}

const saveFile = (name: string, text: string): void => {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }))
  const link = document.createElement("a")
  link.href = address
  link.download = name
  link.click()
  // the browser has begun to read it by then
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
