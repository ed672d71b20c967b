/** Why the server did not do what was asked of it, for a person. */
import { ConnectFailed, NotFound, Timeout, Unavailable } from "../../../../src/rpc/client.ts"
import { messageOf } from "../../market/market.ts"

export const sayError = (error: unknown): string => {
  if (error instanceof Unavailable) return "The server cannot do this just now. Please try again in a moment."
  if (error instanceof Timeout || error instanceof ConnectFailed) {
    return "No answer came. Check the connection, then try again."
  }
  const text = messageOf(error)
  return /[.?!]$/.test(text) ? text : `${text}.`
}

/** What was to go is gone already, by another tab or by itself: as good as done. */
export const unlessGone = async (done: Promise<unknown>): Promise<void> => {
  try {
    await done
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
  }
}
