/** This page's session, wired to the browser. */
import { createRoot } from "solid-js"
import { ui } from "../shell/ui.ts"
import type { Investor } from "./answers.ts"
import { forgetOwner, LOCAL, setOwner } from "./owner.ts"
import { post } from "./post.ts"
import { makeSession } from "./session.ts"

/** Heard by the other tabs, not by this one. */
const channel = new BroadcastChannel("lzstock.account")

/** Whose filter, search and so on this page holds. */
let last: string | null = null

export const session = createRoot(() =>
  makeSession({
    post,
    now: Date.now,
    random: Math.random,
    after: (millis, task) => {
      const timer = setTimeout(task, millis)
      return () => clearTimeout(timer)
    },
    tell: (investor, isDeleted) => channel.postMessage({ investor, isDeleted }),
    onOwner: (investor, mode) => {
      const next = investor === null ? null : mode === "local" ? LOCAL : investor.id
      if (last !== null && next !== last) ui.reset()
      last = next
      setOwner(next)
    }
  })
)

channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  if (typeof data !== "object" || data === null || !("investor" in data)) return
  const isDeleted = "isDeleted" in data && data.isDeleted === true
  session.heard(typeof data.investor === "string" ? data.investor : null, isDeleted)
})
addEventListener("online", () => {
  if (session.standing().at === "unreachable") void session.ask()
})
addEventListener("pagehide", (event) => {
  if (event.persisted) session.hidden()
})
addEventListener("pageshow", (event) => {
  if (event.persisted) void session.ask()
})

/** Who is signed in; undefined: nobody. */
export const investor = (): Investor | undefined => {
  const now = session.standing()
  return now.at === "in" ? now.investor : undefined
}
/** Whoever reaches this server is its one investor. */
export const isLocal = (): boolean => {
  const now = session.standing()
  return (now.at === "in" || now.at === "out") && now.account.mode === "local"
}
export const minPasswordLength = (): number => {
  const now = session.standing()
  return now.at === "in" || now.at === "out" ? now.account.minPasswordLength : 0
}

/** Deletes the account, and what this browser kept of its owner. */
export const deleteAccount = async (password: string) => {
  const id = investor()?.id
  const problem = await session.deleteAccount(password)
  if (problem === null && id !== undefined) forgetOwner(id)
  return problem
}
