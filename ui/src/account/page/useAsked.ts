/** Something asked of the server and shown: asked again when the connection is back, when the page is looked at again, and on request. */
import { createEffect, createSignal, on, onCleanup } from "solid-js"
import { useMarket } from "../../market/context.ts"
import { goOn } from "../../market/goOn.ts"

export interface Asked<A> {
  /** What was answered last; undefined: nothing yet. */
  readonly value: () => A | undefined
  /** Why the last answer did not come; null: it did, or it is on its way. */
  readonly error: () => unknown
  readonly reload: () => Promise<void>
}

export const useAsked = <A>(ask: () => Promise<A>): Asked<A> => {
  const market = useMarket()
  const [value, setValue] = createSignal<{ readonly told: A } | null>(null)
  const [error, setError] = createSignal<unknown>(null)
  let turn = 0
  const reload = async () => {
    turn += 1
    const mine = turn
    setError(null)
    try {
      const told = await ask()
      if (mine === turn) setValue({ told })
    } catch (cause) {
      if (mine === turn) setError(cause)
    }
  }
  void reload()
  createEffect(
    on(
      () => market.connection().status,
      (status, before) => {
        // what is asked before the first connection is answered by it
        if (status === "open" && before !== undefined && before !== "connecting") void reload()
      }
    )
  )
  goOn(error, reload)
  const onVisible = () => {
    if (document.visibilityState === "visible") void reload()
  }
  document.addEventListener("visibilitychange", onVisible)
  onCleanup(() => {
    turn += 1
    document.removeEventListener("visibilitychange", onVisible)
  })
  return { value: () => value()?.told, error, reload }
}
