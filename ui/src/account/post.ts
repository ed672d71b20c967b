/** Sends something to one of the account paths; the browser adds its cookie, and takes a new one from the answer. */
import { type Answer, readAnswer, unreachable } from "./answers.ts"

/** Hashing a password takes the server a while, and it may have a queue of them. */
const PATIENCE_MILLIS = 20_000

export type Post = (path: string, body: unknown) => Promise<Answer>

export const post: Post = async (path, body) => {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MILLIS)
    })
    const text = await response.text()
    return readAnswer(response.status, parsed(text))
  } catch {
    return unreachable
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
