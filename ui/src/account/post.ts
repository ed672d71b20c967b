/** Sends something to one of the account paths; the browser adds its cookie, and takes a new one from the answer. */
import { accountPaths } from "../../../src/rpc/investors.ts"
import { type Answer, readAnswer, unreachable } from "./answers.ts"

/** Hashing a password takes the server a while, and it may have a queue of them. */
const PATIENCE_MILLIS = 20_000

export type Post = (path: string, body: unknown) => Promise<Answer>

/**
 * The tabs of a browser have one cookie. While one of them has it changed no other asks with the old one, whose answer could take the
 * new one away.
 */
const inTurn = async (path: string, send: () => Promise<Answer>): Promise<Answer> =>
  "locks" in navigator
    ? navigator.locks.request("lzstock.account", { mode: path === accountPaths.state ? "shared" : "exclusive" }, send)
    : send()

export const post: Post = (path, body) =>
  inTurn(path, async () => {
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
      return readAnswer(response.status, parsed(await response.text()))
    } catch {
      return unreachable
    }
  })

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
