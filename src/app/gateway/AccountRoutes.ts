/**
 * Accounts over HTTP: what gives a browser its cookie, or takes it. Every route is a POST from a page that may talk to us, checked by
 * what the browser itself says of it (S6); JSON, so that no form of another site can write one. Goes to: actors/investors/Investors.
 */
import { ByteSize, Clock, Effect, Option, Predicate, Schema } from "effect"
import {
  HttpIncomingMessage,
  HttpRouter,
  type HttpServerError,
  type HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import { type Browser, Investors, localPrincipal, type SignedIn } from "../../actors/investors/Investors.ts"
import type { Admission } from "../../actors/sessions/comingBack.ts"
import { NotAllowed, NotSignedIn, type Principal } from "../../rpc/access.ts"
import {
  AccountDeletion,
  type AccountProblem,
  type AccountState,
  accountPaths,
  Credentials,
  type Investor,
  PasswordChange
} from "../../rpc/investors.ts"
import { InvalidRequest, LimitExceeded, Unavailable } from "../../rpc/market.ts"
import { tryAgainIn } from "../../rpc/sessions.ts"
import { Authenticator, withAccounts } from "./Authenticator.ts"
import { Operator } from "./Operator.ts"
import { cookieFor, originAllowed, setCookie } from "./origins.ts"
import { newReference } from "./reference.ts"
import { UpgradeRate } from "./UpgradeRate.ts"

export interface AccountRoutesConfig {
  readonly allowedOrigins: ReadonlyArray<string>
  readonly signUp: AccountState["signUp"]
  readonly minPasswordLength: number
  /** Requests, from one address and in all, beside new sessions at the same pace: each may cost a look into the store. */
  readonly rate: Admission
}

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/** All that any of them may fail with. */
interface Refused {
  readonly _tag: string
  readonly message: string
  readonly field?: string
  readonly limit?: string
  readonly retryAfterMillis?: number | null
}

const MOST_BYTES = 8_192
const DAY_SECONDS = 86_400
const RETRY_MILLIS = 2_000
const now = Clock.currentTimeMillis
const uncached = { "cache-control": "no-store" }

const statuses: Readonly<Record<string, number>> = {
  InvalidRequest: 400,
  WeakPassword: 400,
  NotSignedIn: 401,
  CredentialRefused: 401,
  SignInRefused: 401,
  NotAllowed: 403,
  EmailTaken: 409,
  LimitExceeded: 429,
  Unavailable: 503
}

const problem = ({ _tag, field, limit, message, retryAfterMillis }: Refused): Response => {
  const body: AccountProblem = {
    error: _tag,
    message,
    ...(field === undefined ? {} : { field }),
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfterMillis === undefined ? {} : { retryAfterMillis })
  }
  const retryAfter: Record<string, string> =
    typeof retryAfterMillis === "number" ? { "retry-after": String(Math.ceil(retryAfterMillis / 1_000)) } : {}
  return HttpServerResponse.jsonUnsafe(body, { status: statuses[_tag] ?? 500, headers: { ...uncached, ...retryAfter } })
}

const notAllowed = (allow: string): Response =>
  HttpServerResponse.jsonUnsafe({ error: "method-not-allowed" }, { status: 405, headers: { allow } })

/** A page that may ask, and the browser it is in. */
interface Page {
  readonly origin: string
  readonly from: Browser
  readonly cookie: string | undefined
  readonly local: Principal | null
}

const badBody = (error: HttpServerError.HttpServerError | Schema.SchemaError) =>
  new InvalidRequest({
    field: "body",
    message:
      error._tag === "HttpServerError" && Predicate.isTagged(error.cause, "MaxBytesError")
        ? `The body is too long: ${MOST_BYTES.toLocaleString("en")} bytes at most are read`
        : "Send what the form has, as JSON"
  })

const bodyOf = <A>(request: Request, schema: Schema.Codec<A, unknown>): Effect.Effect<A, InvalidRequest> =>
  request.headers["content-type"]?.split(";", 1)[0]?.trim() !== "application/json"
    ? Effect.fail(new InvalidRequest({ field: "content-type", message: "Send JSON: content-type application/json" }))
    : request.json.pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(MOST_BYTES)),
        Effect.flatMap(Schema.decodeUnknownEffect(schema)),
        Effect.mapError(badBody)
      )

export const accountRoutes = (config: AccountRoutesConfig) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const investors = yield* Investors
      const authenticator = yield* Authenticator
      const operator = yield* Operator
      const allowed = new Set(config.allowedOrigins)

      const pageOf = (request: Request): Effect.Effect<Page, NotAllowed> => {
        const { headers } = request
        const { host, origin } = headers
        const site = headers["sec-fetch-site"]
        // old browsers do not say the site; all say the origin of a POST
        if (
          origin === undefined ||
          !originAllowed(origin, host, allowed) ||
          (site !== undefined && site !== "same-origin")
        ) {
          const isOurName = origin !== undefined && URL.parse(origin)?.host === host
          return Effect.fail(
            new NotAllowed({
              message: isOurName
                ? `This server does not know that it is called ${host}: start it with --allowed-origins ${origin}`
                : "Only pages of this server may ask this"
            })
          )
        }
        const { address, principal } = authenticator.visitor(Option.getOrUndefined(request.remoteAddress), headers)
        return Effect.succeed({
          origin,
          from: { address, userAgent: headers["user-agent"] ?? "" },
          cookie: cookieFor(origin, headers.cookie),
          local: principal
        })
      }

      const rate = new UpgradeRate(config.rate)
      const admit = ({ from: { address }, local }: Page): Effect.Effect<void, LimitExceeded> =>
        Effect.flatMap(now, (time) => {
          const retryAfterMillis = local === null ? rate.take(address, time) : 0
          if (retryAfterMillis === 0) return Effect.void
          return Effect.fail(
            new LimitExceeded({
              limit: "account-requests-per-second",
              allowed: config.rate.perSecondAndAddress,
              retryAfterMillis,
              message: `Too many requests: slow down, and ${tryAgainIn(retryAfterMillis)}`
            })
          )
        })

      const stateOf = (investor: Investor | null): AccountState => ({
        investor,
        mode: authenticator.mode,
        signUp: config.signUp,
        minPasswordLength: config.minPasswordLength
      })
      const signedOut = ({ cookie, origin }: Page): Response => {
        const headers: Record<string, string> = cookie === undefined ? {} : { "set-cookie": setCookie(origin, null, 0) }
        return HttpServerResponse.jsonUnsafe(stateOf(null), { headers: { ...uncached, ...headers } })
      }
      const signedIn = ({ origin }: Page, { cookie, endsAt, investor }: SignedIn, now: number): Response =>
        HttpServerResponse.jsonUnsafe(stateOf(investor), {
          headers: { ...uncached, "set-cookie": setCookie(origin, cookie, (endsAt - now) / 1_000) }
        })

      const principalOf = Effect.fnUntraced(function* ({ cookie }: Page) {
        if (cookie === undefined) return yield* new NotSignedIn({ message: "Sign in first" })
        return yield* authenticator.byCookie(cookie)
      })

      const post = <E extends Refused>(
        path: (typeof accountPaths)[keyof typeof accountPaths],
        answer: (request: Request, page: Page) => Effect.Effect<Response, E>
      ) =>
        router.add("*", path, (request) => {
          if (request.method !== "POST") {
            return Effect.succeed(notAllowed("POST"))
          }
          return pageOf(request).pipe(
            Effect.tap(admit),
            Effect.flatMap((page) => answer(request, page)),
            Effect.catch((error) => Effect.succeed(problem(error))),
            Effect.catchDefect((defect) => {
              const reference = newReference()
              return Effect.as(
                Effect.logError("An account could not be asked or changed", { reference, path, defect }),
                problem(
                  new Unavailable({
                    what: "accounts",
                    retryAfterMillis: RETRY_MILLIS,
                    message: `This cannot be done at the moment: ${tryAgainIn(RETRY_MILLIS)} (${reference})`
                  })
                )
              )
            })
          )
        })

      /** Whose the page's browser is, as it stands: no cookie is set or taken. */
      const asItStands = Effect.fnUntraced(function* (page: Page) {
        const answer = (investor: Investor | null) =>
          HttpServerResponse.jsonUnsafe(stateOf(investor), { headers: uncached })
        if (page.local !== null) return answer((yield* investors.investor(localPrincipal)) ?? null)
        // a cookie that is none any more is left alone: another tab may just be given its successor
        if (page.cookie === undefined) return answer(null)
        const principal = yield* authenticator
          .byCookie(page.cookie)
          .pipe(Effect.catchTag("CredentialRefused", () => Effect.succeed(null)))
        return answer(principal === null ? null : ((yield* investors.investor(principal)) ?? null))
      })

      yield* post(accountPaths.state, (_, page) => asItStands(page))

      yield* post(accountPaths.signUp, (request, page) =>
        Effect.gen(function* () {
          const credentials = yield* bodyOf(request, Credentials)
          yield* withAccounts(authenticator.mode)
          if (config.signUp === "operator") {
            yield* operator.check(credentials.operator ?? "", page.from.address)
            yield* investors.add(credentials, page.from.address)
            // made for somebody else: whoever sits here stays who they are
            return yield* asItStands(page)
          }
          return signedIn(page, yield* investors.signUp(credentials, page.from), yield* now)
        })
      )

      yield* post(accountPaths.signIn, (request, page) =>
        Effect.gen(function* () {
          const credentials = yield* bodyOf(request, Credentials)
          yield* withAccounts(authenticator.mode)
          return signedIn(page, yield* investors.signIn(credentials, page.from, page.cookie ?? null), yield* now)
        })
      )

      yield* post(accountPaths.signOut, (_, page) =>
        Effect.gen(function* () {
          if (page.cookie !== undefined) yield* investors.signOut(page.cookie, page.from)
          return signedOut(page)
        })
      )

      yield* post(accountPaths.changePassword, (request, page) =>
        Effect.gen(function* () {
          const change = yield* bodyOf(request, PasswordChange)
          const principal = yield* principalOf(page)
          return signedIn(page, yield* investors.changePassword(principal, change, page.from), yield* now)
        })
      )

      yield* post(accountPaths.delete, (request, page) =>
        Effect.gen(function* () {
          const { password } = yield* bodyOf(request, AccountDeletion)
          yield* investors.remove(yield* principalOf(page), password, page.from)
          return signedOut(page)
        })
      )

      // password managers look here
      yield* router.add("*", "/.well-known/change-password", ({ method }) =>
        Effect.succeed(
          method === "GET" || method === "HEAD"
            ? HttpServerResponse.empty({
                status: 302,
                headers: { location: "/account#password", "cache-control": `max-age=${DAY_SECONDS}` }
              })
            : notAllowed("GET, HEAD")
        )
      )
    })
  )
