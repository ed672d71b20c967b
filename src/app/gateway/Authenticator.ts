/**
 * Whom an upgrade or a request is from, in front of the credentials: who this machine's own user is, which cookie counts, which token is
 * the operator's. Comes from: WebSocketGateway, AccountRoutes. Goes to: actors/investors/Credentials.
 */
import type { IncomingHttpHeaders } from "node:http"
import type { BlockList } from "node:net"
import { Clock, Context, Deferred, Effect, Layer } from "effect"
import { AuditLog } from "../../actors/investors/AuditLog.ts"
import { Credentials, TOKEN_PREFIX } from "../../actors/investors/Credentials.ts"
import { localPrincipal } from "../../actors/investors/Investors.ts"
import type { Visitor } from "../../actors/sessions/Identities.ts"
import type { Session } from "../../actors/sessions/Session.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { NotAllowed, type Principal } from "../../rpc/access.ts"
import { type Credential, CredentialRefused } from "../../rpc/investors.ts"
import { LimitExceeded, type Unavailable } from "../../rpc/market.ts"
import { BUSY_MILLIS, CloseCode, tryAgainIn } from "../../rpc/sessions.ts"
import { clientAddress, isLoopback } from "./address.ts"
import { Operator } from "./Operator.ts"

export interface AuthenticatorConfig {
  /** local: who comes from this machine is the one investor, without a sign-in. accounts: everybody signs in. */
  readonly mode: "local" | "accounts"
  readonly proxies: BlockList
  readonly sessionsPerInvestor: number
}

type Refusals = CredentialRefused | LimitExceeded | Unavailable

/** After so many wrong ones a socket has been given chances enough. */
const MOST_REFUSALS = 3
const TRY_AGAIN_MILLIS = 10_000
/** In requests; it costs the stores three round trips. */
const AUTHENTICATE_COSTS = 20

export class Authenticator extends Context.Service<
  Authenticator,
  {
    readonly mode: AuthenticatorConfig["mode"]
    /** The local investor, or nobody yet. */
    readonly visitor: (
      peer: string | undefined,
      headers: IncomingHttpHeaders | Readonly<Record<string, string | undefined>>
    ) => Visitor
    readonly byCookie: (cookie: string) => Effect.Effect<Principal, CredentialRefused | Unavailable>
    /** The session is theirs, or it closes. Its requests wait meanwhile, and one that closes answers none of them. */
    readonly showCookie: (session: Session, cookie: string) => Effect.Effect<void>
    /** The session is theirs when this succeeds. Its requests wait meanwhile. */
    readonly show: (session: Session, credential: Credential) => Effect.Effect<Principal, Refusals>
  }
>()("lzstock/app/gateway/Authenticator") {
  /** Whoever connects is the local investor: for servers that only their own process can reach, such as those of tests. */
  static readonly layerLocal: Layer.Layer<Authenticator> = Layer.sync(Authenticator, () => {
    const refused = Effect.fail(new CredentialRefused({ message: "There are no accounts here" }))
    return Authenticator.of({
      mode: "local",
      visitor: (peer = "") => ({ address: peer, principal: localPrincipal }),
      byCookie: () => refused,
      showCookie: () => Effect.void,
      show: () => refused
    })
  })

  static readonly layer = (
    config: AuthenticatorConfig
  ): Layer.Layer<Authenticator, never, AuditLog | Credentials | Operator | SessionActors> =>
    Layer.effect(Authenticator, make(config))
}

/** A server with one investor has no door for others, whatever way they came. */
export const withAccounts = (mode: AuthenticatorConfig["mode"]): Effect.Effect<void, NotAllowed> =>
  mode === "accounts"
    ? Effect.void
    : Effect.fail(
        new NotAllowed({
          message: "This server is for its own machine: there are no accounts, start it with --sign-in required"
        })
      )

/**
 * Until the sockets have been looked at once more. In a storm many have given up by the time their upgrade is read, which shows with
 * the next look: nothing is read from a store for them.
 */
const nextPoll = Effect.callback<void>((resume) => {
  setImmediate(() => setImmediate(() => resume(Effect.void)))
})

const make = Effect.fnUntraced(function* ({ mode, proxies, sessionsPerInvestor }: AuthenticatorConfig) {
  const credentials = yield* Credentials
  const sessions = yield* SessionActors
  const operator = yield* Operator
  const audit = yield* AuditLog
  const refusals = new WeakMap<Session, number>()

  /** Whoever asks something of the session waits until this has ended; what was shown before it is looked at first. */
  const settling = <A, E>(session: Session, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const settled = Deferred.makeUnsafe<void>()
      const before = session.identifying
      session.identifying = settled
      return Effect.ensuring(
        before === null ? effect : Effect.andThen(Deferred.await(before), effect),
        Effect.sync(() => {
          if (session.identifying === settled) session.identifying = null
          Deferred.doneUnsafe(settled, Effect.void)
        })
      )
    })

  const identify = (session: Session, judged: Effect.Effect<Principal, Refusals>): Effect.Effect<Principal, Refusals> =>
    Effect.flatMap(judged, (principal): Effect.Effect<Principal, Refusals> => {
      const answer = sessions.identify(session, principal)
      if (answer === "ok") return Effect.succeed(principal)
      return Effect.fail(
        answer === "revoked"
          ? new CredentialRefused({ message: "Signed out: sign in again" })
          : new LimitExceeded({
              limit: "sessions-per-investor",
              allowed: sessionsPerInvestor,
              retryAfterMillis: TRY_AGAIN_MILLIS,
              message: `Too many connections of this account: close some, or ${tryAgainIn(TRY_AGAIN_MILLIS)}`
            })
      )
    })

  /** Closed before its requests go on: "sign in" would be the wrong answer to who has to come again. */
  const byCookieOrClosed = (session: Session, cookie: string) =>
    identify(session, credentials.byCookie(cookie)).pipe(
      Effect.catch(({ _tag, message }) =>
        Effect.sync(() => {
          session.close(_tag === "CredentialRefused" ? CloseCode.SignedOut : CloseCode.TryAgainLater, message)
        })
      ),
      Effect.catchCause((cause) => {
        session.close(CloseCode.TryAgainLater, `Sign-ins cannot be looked up: ${tryAgainIn(BUSY_MILLIS)}`)
        return Effect.logWarning("A cookie could not be looked up", cause)
      }),
      Effect.asVoid
    )

  const judge = (credential: Credential, address: string): Effect.Effect<Principal, Refusals> => {
    if (credential._tag === "Ticket") return credentials.byTicket(credential.ticket, address)
    const { token } = credential
    if (token.startsWith(TOKEN_PREFIX)) {
      return Effect.filterOrFail(
        credentials.byToken(token, address),
        // kept from a time when this server had one investor and no accounts
        ({ investor }) => mode === "local" || investor !== localPrincipal.investor,
        () => new CredentialRefused({ message: "This token is of a server without accounts: make another" })
      )
    }
    return operator.check(token, address).pipe(
      Effect.as({
        via: "operator",
        investor: "operator",
        access: "read",
        grant: null,
        since: null,
        expiresAt: null
      } as const),
      Effect.catch(() => Effect.fail(new CredentialRefused({ message: "This is no token: they begin with lzs_" })))
    )
  }

  const refusedBefore = (session: Session) => refusals.get(session) ?? 0

  return Authenticator.of({
    mode,
    visitor: (peer, headers) => {
      const forwardedFor = headers["x-forwarded-for"]
      const address = clientAddress(peer, typeof forwardedFor === "string" ? forwardedFor : undefined, proxies)
      // what came through a proxy may come from anywhere, whatever the proxy's address
      const isDirect = forwardedFor === undefined && headers.forwarded === undefined && headers.via === undefined
      return { address, principal: mode === "local" && isDirect && isLoopback(address) ? localPrincipal : null }
    },
    byCookie: credentials.byCookie,
    showCookie: (session, cookie) =>
      settling(
        session,
        Effect.andThen(
          nextPoll,
          Effect.suspend(() => (session.isOpen ? byCookieOrClosed(session, cookie) : Effect.void))
        )
      ),
    show: (session, credential) => {
      if (refusedBefore(session) >= MOST_REFUSALS) {
        session.close(CloseCode.SignedOut, "Not signed in: too many wrong tokens")
        return Effect.fail(new CredentialRefused({ message: "Too many wrong tokens on one connection" }))
      }
      if (session.principal !== null && !session.charge(AUTHENTICATE_COSTS)) {
        return Effect.fail(
          new LimitExceeded({
            limit: "requests-per-second",
            allowed: 1,
            retryAfterMillis: TRY_AGAIN_MILLIS,
            message: `This connection has said who it is, and need not so often: ${tryAgainIn(TRY_AGAIN_MILLIS)}`
          })
        )
      }
      // before it is looked at: of many at once each counts
      refusals.set(session, refusedBefore(session) + 1)
      return settling(session, identify(session, judge(credential, session.address))).pipe(
        Effect.tapError((error) =>
          // what could not be looked up was no wrong one
          error._tag === "CredentialRefused"
            ? Effect.void
            : Effect.sync(() => refusals.set(session, refusedBefore(session) - 1))
        ),
        Effect.tap(() => Effect.sync(() => refusals.delete(session))),
        Effect.tap(({ via }) =>
          via !== "operator"
            ? Effect.void
            : Effect.flatMap(Clock.currentTimeMillis, (at) =>
                audit.record({
                  at,
                  investor: "operator",
                  event: "operator-connected",
                  result: "done",
                  address: session.address,
                  device: null,
                  detail: null
                })
              )
        )
      )
    }
  })
})
