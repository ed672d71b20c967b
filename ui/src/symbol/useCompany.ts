/** What the company directory says of a symbol, asked anew when that changes, and when a lost connection is back. */
import { createEffect, createSignal, on, onCleanup } from "solid-js"
import { type CompanyProfile, UnknownSymbol } from "../../../src/rpc/client.ts"
import { useMarket } from "../market/context.ts"
import { messageOf } from "../market/market.ts"

export type CompanyAnswer<Profile = CompanyProfile> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly profile: Profile }
  /** No company has or had it; the message says what may have been meant. */
  | { readonly state: "unknown"; readonly message: string }
  | { readonly state: "failed"; readonly message: string }

export const useCompany = (symbol: () => string) => {
  const market = useMarket()
  const [answer, setAnswer] = createSignal<CompanyAnswer>({ state: "loading" })
  let asked = 0
  const load = async (): Promise<void> => {
    const mine = ++asked
    const name = symbol()
    const tell = (next: CompanyAnswer) => {
      if (mine === asked) setAnswer(next)
    }
    tell({ state: "loading" })
    try {
      tell({ state: "ready", profile: await market.client.company(name) })
    } catch (error) {
      tell({ state: error instanceof UnknownSymbol ? "unknown" : "failed", message: messageOf(error) })
    }
  }
  createEffect(on(symbol, load))
  createEffect(
    on(
      () => market.connection().status,
      (status) => {
        if (status === "open" && answer().state === "failed") void load()
      },
      { defer: true }
    )
  )
  onCleanup(() => {
    asked += 1
  })
  return { answer, reload: load }
}
