import { useMarket } from "../market/context.ts"
import { session } from "./current.ts"

/** Signs this browser out. One stays signed in when the server cannot be told, and must know it. */
export const useSignOut = (): (() => Promise<void>) => {
  const { toasts } = useMarket()
  return async () => {
    const problem = await session.signOut()
    if (problem !== null) toasts.say("You are still signed in: the server could not be told. Try again", "warning")
  }
}
