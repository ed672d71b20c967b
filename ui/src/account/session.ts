/**
 * Whether somebody is signed in here, and who. Asks the server when the page loads and whenever there is reason to doubt; tells other
 * tabs of the browser, and hears of them. Comes from: post.ts. Goes to: Gate.tsx, forms, the account page.
 */
import { batch, createSignal } from "solid-js"
import type { Ending } from "../../../src/rpc/endings.ts"
import { accountPaths } from "../../../src/rpc/investors.ts"
import type { AccountState, Answer, Investor, Problem } from "./answers.ts"
import type { Post } from "./post.ts"

/**
 * Why one is signed out, where that wants saying. left, everywhere, deleted: asked for on this page. ended: nobody says why.
 * wanted: nobody had to sign in before. The others are what the server says.
 */
export type Reason = "left" | "left-elsewhere" | "everywhere" | "deleted" | "ended" | "wanted" | Ending

export type Standing =
  | { readonly at: "asking" }
  /** `retryAt`: when it is asked again, ms since epoch. */
  | { readonly at: "unreachable"; readonly problem: Problem; readonly retryAt: number }
  /** The server is its own machine's only, and this is another. */
  | { readonly at: "shut" }
  | { readonly at: "out"; readonly account: AccountState; readonly reason: Reason | null }
  /** `visit`: another one wants another connection, with the cookie there is now. */
  | { readonly at: "in"; readonly account: AccountState; readonly investor: Investor; readonly visit: number }

export interface SessionOptions {
  readonly post: Post
  readonly now: () => number
  /** Returns how to call it off. */
  readonly after: (millis: number, task: () => void) => () => void
  readonly random: () => number
  /** Tells other tabs who is signed in; null: nobody. */
  readonly tell: (investor: string | null, isDeleted: boolean) => void
  /** Before anything of an investor is shown; null: nobody's is. */
  readonly onOwner: (investor: Investor | null, mode: AccountState["mode"]) => void
}

const LONGEST_WAIT = 15_000
/** A connection that was refused so soon after the server said that one is signed in has another reason. */
const TOO_SOON = 5_000
/** The problem of a server that says one is signed in, and then that one is not. */
export const ENDLESS = "Endless"

export const makeSession = (options: SessionOptions) => {
  const [standing, setStanding] = createSignal<Standing>({ at: "asking" })
  /** Of what was asked or done last; answers to anything before it come too late. */
  let turn = 0
  let visit = 0
  let attempt = 0
  let enteredAt = 0
  let quickEndings = 0
  let cancelRetry = () => {}
  /** The cookie is being changed: until that is done, a connection that ends says nothing. */
  let changing = false
  let endedMeanwhile: Ending | "ended" | null = null
  /** Something under way will end the connection for this reason. */
  let expected: Reason | null = null

  const enter = (account: AccountState, investor: Investor, anew: boolean) => {
    const now = standing()
    const stays = !anew && now.at === "in" && now.investor.id === investor.id && now.account.mode === account.mode
    if (!stays) {
      visit += 1
      enteredAt = options.now()
    }
    expected = null
    batch(() => {
      options.onOwner(investor, account.mode)
      setStanding({ at: "in", account, investor, visit })
    })
  }
  const leave = (account: AccountState, reason: Reason | null) => {
    batch(() => {
      options.onOwner(null, account.mode)
      setStanding({ at: "out", account, reason })
    })
  }
  const take = (account: AccountState, reason: Reason | null, anew = false) => {
    attempt = 0
    cancelRetry()
    if (account.investor !== null) enter(account, account.investor, anew)
    else if (account.mode === "accounts") leave(account, reason)
    else {
      batch(() => {
        options.onOwner(null, account.mode)
        setStanding({ at: "shut" })
      })
    }
  }

  const drop = () => {
    const now = standing()
    batch(() => {
      if (now.at === "in") options.onOwner(null, now.account.mode)
      setStanding({ at: "asking" })
    })
  }
  const retryLater = (problem: Problem, reason: Reason | null) => {
    attempt += 1
    const bound = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(attempt, 10))
    const wait = Math.max(problem.retryAfterMillis ?? 0, Math.round(bound / 2 + (options.random() * bound) / 2))
    setStanding({ at: "unreachable", problem, retryAt: options.now() + wait })
    cancelRetry()
    cancelRetry = options.after(wait, () => void ask(reason))
  }
  /** What is shown stays until the answer is there. */
  const ask = async (reason: Reason | null = null): Promise<void> => {
    turn += 1
    const mine = turn
    cancelRetry()
    const answer = await options.post(accountPaths.state, {})
    if (mine !== turn) return
    const now = standing()
    if (answer.ok) take(answer.account, now.at === "out" ? now.reason : reason)
    // a page that works goes on; its connection says by itself when it does not
    else if (now.at === "asking" || now.at === "unreachable") retryLater(answer.problem, reason)
  }

  /** Something that changes the cookie. `reason`: of being signed out by it. */
  const change = async (path: string, body: unknown, reason: Reason | null = null): Promise<Problem | null> => {
    changing = true
    endedMeanwhile = null
    const answer: Answer = await options.post(path, body)
    changing = false
    if (answer.ok) {
      turn += 1
      options.tell(answer.account.investor?.id ?? null, reason === "deleted")
      take(answer.account, reason, true)
      return null
    }
    if (["NotSignedIn", "CredentialRefused"].includes(answer.problem.error) || endedMeanwhile !== null) {
      ended(endedMeanwhile ?? "ended")
    }
    return answer.problem
  }

  const ended = (ending: Ending | "ended" = "ended"): void => {
    if (changing) {
      endedMeanwhile ??= ending
      return
    }
    const now = standing()
    if (now.at !== "in") return
    const reason = expected ?? (now.account.mode === "local" ? "wanted" : ending)
    quickEndings = options.now() - enteredAt < TOO_SOON ? quickEndings + 1 : 0
    drop()
    if (quickEndings < 2) {
      void ask(reason)
      return
    }
    turn += 1
    attempt = quickEndings
    retryLater(
      {
        error: ENDLESS,
        message: "The server ends this sign-in at once",
        field: null,
        retryAfterMillis: null,
        limit: null
      },
      reason
    )
  }

  return {
    standing,
    ask,
    /** The server has ended the connection for want of a sign-in, or will not answer over it. */
    ended,
    /** What is about to be asked of the server signs this browser out too. Returns how to take that back. */
    expectEnd: (reason: Reason): (() => void) => {
      expected = reason
      return () => {
        expected = null
      }
    },
    /** This browser was signed out by something that went over the connection. */
    left: (reason: Reason): void => {
      options.tell(null, false)
      if (standing().at === "in") drop()
      void ask(reason)
    },
    /** Another tab says who is signed in now, or that the account is no more. */
    heard: (investor: string | null, isDeleted = false): void => {
      const now = standing()
      if (now.at === "in" && (now.account.mode === "local" || now.investor.id === investor)) return
      if (now.at === "in") drop()
      void ask(investor !== null ? null : isDeleted ? "account-deleted" : "left-elsewhere")
    },
    /** The server has told whose the connection is. */
    connectedAs: (investor: string): void => {
      const now = standing()
      if (now.at !== "in" || now.investor.id === investor) return
      drop()
      void ask()
    },
    /** The page is put aside by the browser, which may show it again as it was. */
    hidden: (): void => {
      const now = standing()
      if (now.at === "in" && now.account.mode !== "local") drop()
    },
    signIn: (email: string, password: string) => change(accountPaths.signIn, { email, password }),
    signUp: (email: string, password: string, operator: string | null) =>
      change(accountPaths.signUp, { email, password, ...(operator === null ? {} : { operator }) }),
    signOut: () => change(accountPaths.signOut, {}, "left"),
    changePassword: (current: string, next: string) => change(accountPaths.changePassword, { current, next }),
    deleteAccount: (password: string) => change(accountPaths.delete, { password }, "deleted"),
    /** Nothing to wait for any more. */
    close: (): void => {
      turn += 1
      cancelRetry()
    }
  }
}
export type Session = ReturnType<typeof makeSession>
