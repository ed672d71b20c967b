/** What failed only for want of an answer is asked again by itself: the moment after there is a connection, and while there is one. */
import { createEffect, onCleanup } from "solid-js"
import { Closed, ConnectFailed, Timeout, Unavailable } from "../../../src/rpc/client.ts"
import { useMarket } from "./context.ts"

const AGAIN_MILLIS = 1_000

export const isPassing = (error: unknown): boolean =>
  [ConnectFailed, Timeout, Unavailable, Closed].some((kind) => error instanceof kind)

/** `error`: of what was asked last, null while it is asked; `retry` asks it again. */
export const goOn = (error: () => unknown, retry: () => void): void => {
  const market = useMarket()
  createEffect(() => {
    if (!isPassing(error()) || market.connection().status !== "open") return
    const timer = setTimeout(retry, AGAIN_MILLIS)
    onCleanup(() => clearTimeout(timer))
  })
}
