/** The account RPCs: each handler works for the caller that the middleware found, and sees nobody else's. */
import { Clock, Effect } from "effect"
import { Accounts } from "../../actors/investors/Accounts.ts"
import { ApiTokens } from "../../actors/investors/ApiTokens.ts"
import { AuditLog, isByOperator } from "../../actors/investors/AuditLog.ts"
import { Credentials, hashSecret, mintToken } from "../../actors/investors/Credentials.ts"
import { deviceOf } from "../../actors/investors/device.ts"
import { Endings } from "../../actors/investors/Endings.ts"
import { Investors } from "../../actors/investors/Investors.ts"
import { SignIns, type StoredSignIn } from "../../actors/investors/SignIns.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { Caller, NotSignedIn, type Principal } from "../../rpc/access.ts"
import {
  IdentityRpcs,
  InvestorRpcs,
  MAX_TOKENS,
  NotFound,
  type SecurityEvent,
  type SignIn
} from "../../rpc/investors.ts"
import { LimitExceeded, Unavailable } from "../../rpc/market.ts"
import { BUSY_MILLIS, tryAgainIn } from "../../rpc/sessions.ts"
import { Authenticator, withAccounts } from "./Authenticator.ts"
import { makeAccountOperations } from "./accountOperations.ts"
import { whenStored } from "./whenStored.ts"

const PAGE = 50
/** Of an export; older events are asked for page by page. */
const MOST_EXPORTED = 2_000
/** In requests. */
const EXPORT_COSTS = 40
const DAY_MILLIS = 86_400_000
/** Where an operator sits is no investor's business. */
const withoutOperator = (event: SecurityEvent): SecurityEvent =>
  isByOperator(event) ? { ...event, address: null } : event

const stored = whenStored("accounts")

export const layerIdentityHandlers = IdentityRpcs.toLayer(
  Effect.gen(function* () {
    const authenticator = yield* Authenticator
    const sessions = yield* SessionActors
    return IdentityRpcs.of({
      "investors.Authenticate": ({ credential }, { client }) =>
        Effect.gen(function* () {
          const session = sessions.get(client.id)
          if (session === undefined) return yield* Effect.interrupt
          const { access, expiresAt, investor } = yield* stored(authenticator.show(session, credential))
          return { investor, access, expiresAt }
        })
    })
  })
)

export const layerInvestorHandlers = InvestorRpcs.toLayer(
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const audit = yield* AuditLog
    const credentials = yield* Credentials
    const endings = yield* Endings
    const authenticator = yield* Authenticator
    const investors = yield* Investors
    const sessions = yield* SessionActors
    const signIns = yield* SignIns
    const tokens = yield* ApiTokens

    const operations = yield* makeAccountOperations
    const addressOf = (clientId: number) => sessions.get(clientId)?.address ?? null

    /** Until a node has looked, what stands there is when it signed in. */
    const seenMillis = ({ createdAt, lastSeenAt }: StoredSignIn, now: number) =>
      lastSeenAt > createdAt ? now - lastSeenAt : Number.POSITIVE_INFINITY
    const shown =
      (caller: Principal, now: number) =>
      (signIn: StoredSignIn): SignIn => ({
        id: signIn.id,
        createdAt: signIn.createdAt,
        lastSeenAt: signIn.lastSeenAt,
        connected: sessions.isConnected(signIn.investor, signIn.id, seenMillis(signIn, now)),
        expiresAt: signIn.expiresAt,
        device: deviceOf(signIn.userAgent),
        address: signIn.address,
        current: signIn.id === caller.grant
      })
    const browsersOf = Effect.fnUntraced(function* (caller: Principal) {
      const now = yield* Clock.currentTimeMillis
      const found = yield* signIns.list(caller.investor, now)
      return found.map(shown(caller, now))
    })
    const tokensOf = Effect.fnUntraced(function* ({ investor }: Principal) {
      return yield* tokens.list(investor, yield* Clock.currentTimeMillis)
    })
    const whose = Effect.fnUntraced(function* (caller: Principal) {
      if (caller.via === "operator") return { id: caller.investor, email: null, createdAt: 0 }
      const account = yield* accounts.byId(caller.investor)
      if (account === undefined) return yield* new NotSignedIn({ message: "There is no such account any more" })
      return { id: account.id, email: account.email, createdAt: account.createdAt }
    })
    const note = Effect.fnUntraced(function* (event: string, clientId: number, detail: string | null) {
      const { investor } = yield* Caller
      const at = yield* Clock.currentTimeMillis
      const address = addressOf(clientId)
      yield* audit.record({ at, investor, event, result: "done", address, device: null, detail })
    })

    return InvestorRpcs.of({
      "investors.Me": () =>
        Effect.gen(function* () {
          const caller = yield* Caller
          const { access, expiresAt, via } = caller
          return { investor: yield* whose(caller), via, access, expiresAt }
        }).pipe(stored),

      "investors.Ticket": () =>
        Effect.gen(function* () {
          const ticket = yield* credentials.ticketFor(yield* Caller)
          if (ticket !== undefined) return ticket
          return yield* new Unavailable({
            what: "ticket",
            retryAfterMillis: DAY_MILLIS,
            message: "This connection needs no ticket: it comes back as it came"
          })
        }),

      "investors.SignIns": () => Effect.flatMap(Caller, browsersOf).pipe(stored),

      "investors.EndSignIn": ({ id }, { client }) =>
        Effect.gen(function* () {
          const { investor } = yield* Caller
          const known = yield* signIns.find(id, yield* Clock.currentTimeMillis)
          const isTheirs = known?.investor === investor && known.kind === "browser"
          if (!isTheirs || !(yield* endings.browser(investor, id, "sign-in-ended"))) {
            return yield* new NotFound({
              what: "sign-in",
              message: "There is no such sign-in of yours: it may have ended"
            })
          }
          yield* note("sign-in-ended", client.id, deviceOf(known.userAgent))
          return { ended: 1 }
        }).pipe(stored),

      "investors.SignOutEverywhere": ({ tokens: alsoTokens }, { client }) =>
        Effect.gen(function* () {
          const { investor } = yield* Caller
          const at = yield* Clock.currentTimeMillis
          const ended = Effect.gen(function* () {
            yield* accounts.signOutBefore(investor, at)
            if (alsoTokens) yield* tokens.revokeAll(investor)
            yield* note("signed-out-everywhere", client.id, alsoTokens ? "tokens too" : null)
            // the caller's own socket too: it goes once it has the answer
            const why = "signed-out-everywhere"
            return yield* alsoTokens ? endings.everything(investor, at + 1, why) : endings.browsers(investor, at, why)
          })
          return { ended: yield* Effect.uninterruptible(ended) }
        }).pipe(stored),

      "investors.Tokens": () => Effect.flatMap(Caller, tokensOf).pipe(stored),

      "investors.CreateToken": ({ access, days, name }, { client }) =>
        Effect.gen(function* () {
          const { investor, since } = yield* Caller
          const createdAt = yield* Clock.currentTimeMillis
          const { id, secret, text } = mintToken()
          const token = {
            id,
            name: name.trim(),
            access,
            createdAt,
            expiresAt: createdAt + days * DAY_MILLIS,
            lastUsedAt: null
          }
          const stored = { ...token, investor, secretHash: hashSecret(secret) }
          const kept = yield* tokens.create(stored, MAX_TOKENS, since)
          if (!kept) {
            return yield* new LimitExceeded({
              limit: "tokens",
              allowed: MAX_TOKENS,
              retryAfterMillis: null,
              message: `You have ${MAX_TOKENS} tokens already: revoke one that is not needed any more`
            })
          }
          yield* note("token-created", client.id, token.name)
          return { secret: text, token }
        }).pipe(stored),

      "investors.RevokeToken": ({ id }, { client }) =>
        Effect.gen(function* () {
          const { investor } = yield* Caller
          const known = yield* tokens.find(id)
          const revoked = Effect.gen(function* () {
            if (!(yield* tokens.revoke(investor, id))) return false
            yield* endings.token(investor, id)
            yield* note("token-revoked", client.id, known?.name ?? null)
            return true
          })
          if (!(yield* Effect.uninterruptible(revoked))) {
            return yield* new NotFound({ what: "token", message: "There is no such token of yours: it may be revoked" })
          }
          return { revoked: 1 }
        }).pipe(stored),

      "investors.Activity": ({ before }) =>
        Effect.gen(function* () {
          const { investor } = yield* Caller
          const page = yield* audit.page(investor, before ?? null, PAGE)
          return { ...page, events: page.events.map(withoutOperator) }
        }).pipe(stored),

      "investors.Audit": ({ before, limit }) =>
        Effect.map(audit.everything(before ?? null, limit ?? PAGE), ({ before: older, entries }) => ({
          events: entries,
          before: older
        })).pipe(stored),

      "investors.Add": ({ email }, { client }) =>
        Effect.gen(function* () {
          yield* withAccounts(authenticator.mode)
          const { investor, password } = yield* investors.add({ email, password: null }, addressOf(client.id))
          return { id: investor.id, email: investor.email ?? email, password }
        }).pipe(
          // of a password that nobody chose nothing is weak
          Effect.catchTag("WeakPassword", Effect.die),
          stored
        ),
      "investors.Find": ({ email }, { client }) => stored(operations.find(email, addressOf(client.id))),
      "investors.SetBan": ({ banned, email }, { client }) =>
        stored(operations.setBan(email, banned, addressOf(client.id))),
      "investors.ResetPassword": ({ email }, { client }) =>
        stored(operations.resetPassword(email, addressOf(client.id))),

      "investors.Export": (_, { client }) =>
        Effect.gen(function* () {
          const caller = yield* Caller
          if (sessions.get(client.id)?.charge(EXPORT_COSTS) === false) {
            return yield* new LimitExceeded({
              limit: "requests-per-second",
              allowed: 1,
              retryAfterMillis: BUSY_MILLIS,
              message: `An export is much work: ${tryAgainIn(BUSY_MILLIS)}`
            })
          }
          yield* note("account-exported", client.id, null)
          const activity: Array<SecurityEvent> = []
          let before: string | null = null
          do {
            const page: { readonly events: ReadonlyArray<SecurityEvent>; readonly before: string | null } =
              yield* audit.page(caller.investor, before, 500)
            activity.push(...page.events.map(withoutOperator))
            before = page.before
          } while (before !== null && activity.length < MOST_EXPORTED)
          return {
            exportedAt: yield* Clock.currentTimeMillis,
            investor: yield* whose(caller),
            signIns: yield* browsersOf(caller),
            tokens: yield* tokensOf(caller),
            activity
          }
        }).pipe(stored)
    })
  })
)
