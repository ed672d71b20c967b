/**
 * Accounts as their owners use them: sign up, sign in, sign out, change the password, leave. What ends here is said on the bus at once,
 * so that sockets everywhere close. Comes from: app/gateway/AccountRoutes.ts. Goes to: the ports of this folder.
 */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer } from "effect"
import { NotSignedIn, type Principal } from "../../rpc/access.ts"
import {
  ATTEMPTS_OF_ACCOUNT,
  type EmailTaken,
  type Investor,
  normaliseEmail,
  type SecurityEvent,
  SignInRefused,
  WeakPassword
} from "../../rpc/investors.ts"
import { InvalidRequest, LimitExceeded, Unavailable } from "../../rpc/market.ts"
import { tryAgainIn } from "../../rpc/sessions.ts"
import { type Account, Accounts } from "./Accounts.ts"
import { AttemptBuckets, type AttemptLimit, Attempts } from "./Attempts.ts"
import { AuditLog, BY_OPERATOR } from "./AuditLog.ts"
import { hashSecret, mintCookie, randomId, randomPassword, takeApart } from "./Credentials.ts"
import { deviceOf, MAX_USER_AGENT_LENGTH } from "./device.ts"
import { Endings } from "./Endings.ts"
import { Passwords } from "./Passwords.ts"
import { normalisePassword, type PasswordPolicy, weakness } from "./passwordPolicy.ts"
import { SignIns } from "./SignIns.ts"

/** The browser that somebody asks from, and where that is. */
export interface Browser {
  readonly address: string
  readonly userAgent: string
}

/** A browser that has signed in: its cookie, and until when it lasts if it is used. */
export interface SignedIn {
  readonly investor: Investor
  readonly cookie: string
  readonly endsAt: number
}

export interface InvestorsConfig {
  readonly passwords: PasswordPolicy
  /** A sign-in nobody uses ends after so long, any after three times as long. */
  readonly idleMillis: number
  /** Sign-in attempts for one account from one address at once, and one more a minute; from one address to all accounts five times that. */
  readonly attempts: number
}

interface SignUp {
  readonly email: string
  readonly password: string
}

/** As the refusal calls it. */
interface NamedLimit extends AttemptLimit {
  readonly name: string
}

type Refusals = InvalidRequest | LimitExceeded | Unavailable

const LOCAL = "local"
/** The one investor of a server that only its own machine can reach. */
export const localPrincipal: Principal = {
  via: "local",
  investor: LOCAL,
  access: "account",
  grant: null,
  since: null,
  expiresAt: null
}

const minute = 60_000
const invalidEmail = () =>
  new InvalidRequest({ field: "email", message: "This is no e-mail address: write it like name@example.com" })
const wrong = () => new SignInRefused({ message: "E-mail address or password is wrong" })

const investorOf = ({ createdAt, email, id }: Account): Investor => ({ id, email, createdAt })

export class Investors extends Context.Service<
  Investors,
  {
    readonly signUp: (
      request: SignUp,
      from: Browser
    ) => Effect.Effect<SignedIn, EmailTaken | SignInRefused | WeakPassword | Refusals>
    /** For somebody else, by an operator: nobody is signed in by it. `password` null: a random one, which is answered. */
    readonly add: (
      request: { readonly email: string; readonly password: string | null },
      address: string | null
    ) => Effect.Effect<
      { readonly investor: Investor; readonly password: string },
      EmailTaken | WeakPassword | InvalidRequest | Unavailable
    >
    /** `former`: the cookie that the browser had; it ends, so that nobody who planted it is signed in with them. */
    readonly signIn: (
      request: SignUp,
      from: Browser,
      former: string | null
    ) => Effect.Effect<SignedIn, SignInRefused | Refusals>
    readonly signOut: (cookie: string, from: Browser) => Effect.Effect<void, Unavailable>
    /** All sign-ins end, this one too: the answer is another. Tokens stay. */
    readonly changePassword: (
      principal: Principal,
      request: { readonly current: string; readonly next: string },
      from: Browser
    ) => Effect.Effect<SignedIn, SignInRefused | WeakPassword | NotSignedIn | Refusals>
    readonly remove: (
      principal: Principal,
      password: string,
      from: Browser
    ) => Effect.Effect<void, SignInRefused | NotSignedIn | Refusals>
    /** Undefined: there is no such account, or it has been signed out since that principal signed in. */
    readonly investor: (principal: Principal) => Effect.Effect<Investor | undefined>
  }
>()("lzstock/actors/investors/Investors") {
  static readonly layer = (
    config: InvestorsConfig
  ): Layer.Layer<Investors, never, Accounts | Attempts | AuditLog | Endings | Passwords | SignIns> =>
    Layer.effect(Investors, make(config))
}

const make = Effect.fnUntraced(function* (config: InvestorsConfig) {
  const accounts = yield* Accounts
  const attempts = yield* Attempts
  const audit = yield* AuditLog
  const endings = yield* Endings
  const passwords = yield* Passwords
  const signIns = yield* SignIns
  const scope = yield* Effect.scope

  const note = Effect.fnUntraced(function* (
    event: string,
    result: SecurityEvent["result"],
    investor: string | null,
    { address, userAgent }: Browser
  ) {
    const at = yield* Clock.currentTimeMillis
    yield* audit.record({ at, investor, event, result, address, device: deviceOf(userAgent), detail: null })
  })

  /** Whose account is tried; null: nobody's, or it cannot be said now. */
  type Tried = Effect.Effect<string | null>
  const accountOf = (email: string): Tried =>
    accounts.byEmail(email).pipe(
      Effect.map((account) => account?.id ?? null),
      Effect.catchDefect(() => Effect.succeed(null))
    )

  /** Of each key one refusal a minute is noted: a flood must not fill the audit log. */
  const noted = new AttemptBuckets()
  const within = Effect.fnUntraced(function* (key: string, limit: NamedLimit, from: Browser, tried: Tried) {
    const wait = yield* attempts.take(key, limit)
    if (wait === 0) return
    const now = yield* Clock.currentTimeMillis
    if (noted.take(key, { burst: 1, everyMillis: minute }, now) === 0) {
      // the answer does not wait for it: it would tell by its time whether there is such an account
      yield* Effect.forkIn(
        Effect.flatMap(tried, (investor) => note("attempts-limited", "refused", investor, from)),
        scope
      )
    }
    return yield* new LimitExceeded({
      limit: limit.name,
      allowed: limit.burst,
      retryAfterMillis: wait,
      message: `Too many attempts: ${tryAgainIn(wait)}`
    })
  })
  const fromAddress = (from: Browser, tried: Tried) =>
    within(
      `address ${from.address}`,
      { name: "attempts", burst: 5 * config.attempts, everyMillis: minute / 5 },
      from,
      tried
    )
  /** Of one account: tight from one address; looser from all together, so that nobody can keep its owner out at little cost. */
  const ofAccount = (account: string, from: Browser, tried: Tried) =>
    Effect.andThen(
      within(
        `account ${account} from ${from.address}`,
        { name: ATTEMPTS_OF_ACCOUNT, burst: config.attempts, everyMillis: minute },
        from,
        tried
      ),
      within(
        `account ${account}`,
        { name: ATTEMPTS_OF_ACCOUNT, burst: 20 * config.attempts, everyMillis: minute / 20 },
        from,
        tried
      )
    )

  /** Fails if the account is no more what it was when the password was looked at: then what it ended must not come after. */
  const begin = Effect.fnUntraced(function* (account: Account, { address, userAgent }: Browser) {
    const now = yield* Clock.currentTimeMillis
    const { id, secret, text } = mintCookie()
    const endsAt = now + 3 * config.idleMillis
    yield* signIns.put({
      id,
      kind: "browser",
      investor: account.id,
      secretHash: hashSecret(secret),
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + config.idleMillis,
      endsAt,
      userAgent: userAgent.slice(0, MAX_USER_AGENT_LENGTH),
      address
    })
    const current = yield* accounts.byId(account.id)
    const isSame = current !== undefined && current.bannedAt === null && current.passwordHash === account.passwordHash
    if (!isSame || now < current.signedOutBefore) {
      yield* signIns.end(account.id, id)
      return yield* wrong()
    }
    return { investor: investorOf(account), cookie: text, endsAt }
  })

  /** The sign-in of a cookie, if it is one, ends. */
  const endCookie = Effect.fnUntraced(function* (cookie: string) {
    const parts = takeApart(cookie)
    if (parts === undefined) return undefined
    const found = yield* signIns.find(parts.id, yield* Clock.currentTimeMillis)
    if (found === undefined || !Buffer.from(found.secretHash).equals(hashSecret(parts.secret))) return undefined
    yield* endings.browser(found.investor, found.id, "signed-out")
    return found.investor
  })

  const checked = Effect.fnUntraced(function* (principal: Principal, password: string, from: Browser, event: string) {
    const account = yield* accounts.byId(principal.investor)
    const isSignedOut = principal.since !== null && principal.since < (account?.signedOutBefore ?? 0)
    if (account === undefined || account.passwordHash === null || account.bannedAt !== null || isSignedOut) {
      return yield* new NotSignedIn({ message: "There is no account with a password here: sign in" })
    }
    yield* ofAccount(account.id, from, Effect.succeed(account.id))
    if (yield* passwords.verify(password, account.passwordHash)) {
      return { account, hash: account.passwordHash, email: account.email ?? "" }
    }
    yield* note(event, "refused", account.id, from)
    return yield* new SignInRefused({ message: "The present password is wrong" })
  })

  const create = Effect.fnUntraced(function* (
    email: string,
    password: string,
    noted: (id: string) => Effect.Effect<void>
  ) {
    const createdAt = yield* Clock.currentTimeMillis
    const passwordHash = yield* passwords.hash(password)
    const account = { id: randomId(), email, passwordHash, createdAt, bannedAt: null, signedOutBefore: 0 }
    yield* accounts
      .create(account, {
        id: randomUUID(),
        at: createdAt,
        body: { _tag: "investor.signed_up", investor: account.id }
      })
      // whoever hangs up: no account without a line that says who made it
      .pipe(Effect.andThen(noted(account.id)), Effect.uninterruptible)
    return account
  })

  return Investors.of({
    signUp: Effect.fnUntraced(function* ({ email: typed, password }, from) {
      const email = normaliseEmail(typed)
      if (email === undefined) return yield* invalidEmail()
      const weak = weakness(password, email, config.passwords)
      if (weak !== undefined) return yield* new WeakPassword({ message: weak })
      yield* fromAddress(from, Effect.succeed(null))
      const account = yield* create(email, password, (id) => note("signed-up", "done", id, from))
      return yield* begin(account, from).pipe(
        Effect.catchTag("Unavailable", ({ retryAfterMillis, what }) =>
          Effect.fail(
            new Unavailable({
              what,
              retryAfterMillis,
              message: "The account is made, but cannot be signed in to yet: sign in in a moment"
            })
          )
        )
      )
    }),

    add: Effect.fnUntraced(function* ({ email: typed, password: chosen }, address) {
      const email = normaliseEmail(typed)
      if (email === undefined) return yield* invalidEmail()
      const weak = chosen === null ? undefined : weakness(chosen, email, config.passwords)
      if (weak !== undefined) return yield* new WeakPassword({ message: weak })
      const password = chosen ?? randomPassword()
      const done = { event: "account-added", result: "done", device: null, detail: BY_OPERATOR } as const
      const account = yield* create(email, password, (investor) =>
        Effect.flatMap(Clock.currentTimeMillis, (at) => audit.record({ ...done, at, investor, address }))
      )
      return { investor: investorOf(account), password }
    }),

    signIn: Effect.fnUntraced(function* ({ email: typed, password }, from, former) {
      const email = normaliseEmail(typed)
      if (email === undefined) return yield* invalidEmail()
      const tried = accountOf(email)
      yield* fromAddress(from, tried)
      yield* ofAccount(email, from, tried)
      const account = yield* accounts.byEmail(email)
      const hash = account?.passwordHash ?? null
      const matches = yield* passwords.verify(password, hash)
      if (account === undefined || hash === null || !matches) {
        yield* note("sign-in-refused", "refused", account?.id ?? null, from)
        return yield* wrong()
      }
      if (account.bannedAt !== null) {
        yield* note("sign-in-refused", "refused", account.id, from)
        return yield* new SignInRefused({ message: "This account was suspended by who runs this server: ask them" })
      }
      // after the answer is known: an old hash is made anew with today's cost
      const passwordHash = passwords.isCurrent(hash) ? hash : yield* passwords.hash(password)
      if (passwordHash !== hash) yield* accounts.changePassword(account.id, hash, passwordHash, null)
      if (former !== null) yield* endCookie(former)
      const signedIn = yield* begin({ ...account, passwordHash }, from)
      yield* note("signed-in", "done", account.id, from)
      return signedIn
    }),

    signOut: Effect.fnUntraced(function* (cookie, from) {
      const investor = yield* endCookie(cookie)
      if (investor !== undefined) yield* note("signed-out", "done", investor, from)
    }),

    changePassword: Effect.fnUntraced(function* (principal, { current, next }, from) {
      const { account, email, hash } = yield* checked(principal, current, from, "password-change-refused")
      const weak =
        normalisePassword(next) === normalisePassword(current)
          ? "This is the password you have: choose another"
          : weakness(next, email, config.passwords)
      if (weak !== undefined) return yield* new WeakPassword({ message: weak })
      const passwordHash = yield* passwords.hash(next)
      const at = yield* Clock.currentTimeMillis
      const changed = accounts.changePassword(account.id, hash, passwordHash, at).pipe(
        Effect.tap((done) =>
          done
            ? Effect.andThen(
                endings.browsers(account.id, at, "password-changed"),
                note("password-changed", "done", account.id, from)
              )
            : Effect.void
        ),
        // who hangs up now has changed it all the same
        Effect.uninterruptible
      )
      if (!(yield* changed)) {
        return yield* new SignInRefused({ message: "The password has just been changed elsewhere: sign in with that" })
      }
      return yield* begin({ ...account, passwordHash, signedOutBefore: at }, from).pipe(
        Effect.catchTag("Unavailable", ({ retryAfterMillis, what }) =>
          Effect.fail(
            new Unavailable({ what, retryAfterMillis, message: "The password is changed: sign in with it in a moment" })
          )
        )
      )
    }),

    remove: Effect.fnUntraced(function* (principal, password, from) {
      const { account } = yield* checked(principal, password, from, "delete-refused")
      const at = yield* Clock.currentTimeMillis
      const done = { at, investor: account.id, event: "account-deleted", result: "done" } as const
      yield* accounts
        .remove(account.id, { id: randomUUID(), at, body: { _tag: "investor.deleted", investor: account.id } })
        .pipe(
          Effect.andThen(endings.everything(account.id, at + 1, "account-deleted")),
          // of the account nothing is left but its id: not where it was deleted from either
          Effect.andThen(audit.record({ ...done, address: null, device: null, detail: null })),
          Effect.uninterruptible
        )
    }),

    investor: ({ investor, since }) =>
      Effect.map(accounts.byId(investor), (account) =>
        account === undefined || account.bannedAt !== null || (since !== null && since < account.signedOutBefore)
          ? undefined
          : investorOf(account)
      )
  })
})

/** There is an account for the local investor, who has neither e-mail address nor password. */
export const ensureLocal = Effect.gen(function* () {
  const accounts = yield* Accounts
  const createdAt = yield* Clock.currentTimeMillis
  yield* accounts.ensure({ id: LOCAL, email: null, passwordHash: null, createdAt, bannedAt: null, signedOutBefore: 0 })
})
