/** The account's calls, in both faces. */
import { Effect, Latch } from "effect"
import type { NotAllowed } from "../access.ts"
import type { AccountExport, AccountFacts, ApiToken, EmailTaken, Me, NotFound, SignIn, Ticket } from "../investors.ts"
import type { InvalidRequest, LimitExceeded, Unavailable } from "../market.ts"
import type { Authentication } from "./authentication.ts"
import type { CallError } from "./errors.ts"
import type { AccountClient, ActivityPage, AddedAccount, AuditPage, AuditQuery, NewToken } from "./types.ts"
import type { Session } from "./watching.ts"

type Answer<A, E = never> = Effect.Effect<A, E | Unavailable | CallError>

/** AccountClient as Effects. */
export interface AccountCalls {
  readonly me: Answer<Me>
  readonly signIns: Answer<ReadonlyArray<SignIn>>
  readonly endSignIn: (id: string) => Answer<{ readonly ended: number }, NotFound>
  readonly signOutEverywhere: (options: { readonly tokens: boolean }) => Answer<{ readonly ended: number }>
  readonly tokens: Answer<ReadonlyArray<ApiToken>>
  readonly createToken: (
    token: NewToken
  ) => Answer<{ readonly secret: string; readonly token: ApiToken }, LimitExceeded>
  readonly revokeToken: (id: string) => Answer<{ readonly revoked: number }, NotFound>
  readonly activity: (options?: { readonly before?: string }) => Answer<ActivityPage, InvalidRequest>
  readonly export: Answer<AccountExport, LimitExceeded>
  /** For operators, these five: of whichever account. `operator`: the operator's token. */
  readonly find: (operator: string, email: string) => Answer<AccountFacts, NotFound | NotAllowed>
  readonly setBan: (operator: string, email: string, banned: boolean) => Answer<AccountFacts, NotFound | NotAllowed>
  readonly resetPassword: (
    operator: string,
    email: string
  ) => Answer<{ readonly password: string }, NotFound | NotAllowed>
  readonly add: (operator: string, email: string) => Answer<AddedAccount, EmailTaken | InvalidRequest | NotAllowed>
  readonly audit: (operator: string, options?: AuditQuery) => Answer<AuditPage, NotAllowed>
}

export const makeAccount = ({ calls, rpcs }: Session): AccountCalls => ({
  me: calls.call<Me, Unavailable>("investors.Me", () => rpcs["investors.Me"]()),
  signIns: calls.call<ReadonlyArray<SignIn>, Unavailable>("investors.SignIns", () => rpcs["investors.SignIns"]()),
  endSignIn: (id) => calls.call("investors.EndSignIn", () => rpcs["investors.EndSignIn"]({ id })),
  signOutEverywhere: (options) =>
    calls.call("investors.SignOutEverywhere", () => rpcs["investors.SignOutEverywhere"](options)),
  tokens: calls.call<ReadonlyArray<ApiToken>, Unavailable>("investors.Tokens", () => rpcs["investors.Tokens"]()),
  createToken: (token) => calls.callOnce("investors.CreateToken", () => rpcs["investors.CreateToken"](token)),
  revokeToken: (id) => calls.call("investors.RevokeToken", () => rpcs["investors.RevokeToken"]({ id })),
  activity: (options = {}) => calls.call("investors.Activity", () => rpcs["investors.Activity"](options)),
  export: calls.call<AccountExport, LimitExceeded | Unavailable>("investors.Export", () => rpcs["investors.Export"]()),
  find: (operator, email) => calls.call("investors.Find", () => rpcs["investors.Find"]({ operator, email })),
  setBan: (operator, email, banned) =>
    calls.call("investors.SetBan", () => rpcs["investors.SetBan"]({ operator, email, banned })),
  resetPassword: (operator, email) =>
    calls.callOnce("investors.ResetPassword", () => rpcs["investors.ResetPassword"]({ operator, email })),
  add: (operator, email) => calls.callOnce("investors.Add", () => rpcs["investors.Add"]({ operator, email })),
  audit: (operator, options = {}) =>
    calls.call("investors.Audit", () => rpcs["investors.Audit"]({ operator, ...options }))
})

export const plainAccount = (account: AccountCalls): AccountClient => ({
  me: () => Effect.runPromise(account.me),
  signIns: () => Effect.runPromise(account.signIns),
  endSignIn: (id) => Effect.runPromise(account.endSignIn(id)),
  signOutEverywhere: (options) => Effect.runPromise(account.signOutEverywhere(options)),
  tokens: () => Effect.runPromise(account.tokens),
  createToken: (token) => Effect.runPromise(account.createToken(token)),
  revokeToken: (id) => Effect.runPromise(account.revokeToken(id)),
  activity: (options) => Effect.runPromise(account.activity(options)),
  export: () => Effect.runPromise(account.export),
  find: (operator, email) => Effect.runPromise(account.find(operator, email)),
  setBan: (operator, email, banned) => Effect.runPromise(account.setBan(operator, email, banned)),
  resetPassword: (operator, email) => Effect.runPromise(account.resetPassword(operator, email)),
  add: (operator, email) => Effect.runPromise(account.add(operator, email)),
  audit: (operator, options) => Effect.runPromise(account.audit(operator, options))
})

/** A server that gives none is asked again after this. */
const RETRY_MILLIS = 30_000

/** Holds a fresh ticket for when the connection breaks: one at each connection, and one whenever half of its time is over. */
export const keepTicket = ({ calls, connection, rpcs }: Session, authentication: Authentication) =>
  Effect.gen(function* () {
    const wanted = Latch.makeUnsafe(false)
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        connection.onState(({ status }) => {
          if (status === "open") wanted.openUnsafe()
        })
      ),
      (stop) => Effect.sync(stop)
    )
    if (connection.state().status === "open") wanted.openUnsafe()
    yield* wanted.await
    while (true) {
      wanted.closeUnsafe()
      const again = yield* calls
        .call<Ticket, Unavailable>("investors.Ticket", () => rpcs["investors.Ticket"]())
        .pipe(
          Effect.map(({ lifetimeMillis, ticket }) => {
            authentication.keep(ticket, lifetimeMillis)
            return lifetimeMillis / 2
          }),
          Effect.catch((error) =>
            error._tag === "Closed" || error._tag === "NotSignedIn" ? Effect.never : Effect.succeed(RETRY_MILLIS)
          )
        )
      yield* Effect.timeoutOption(wanted.await, again)
    }
  })
