/**
 * What a connection shows, and whom it belongs to then: the cookie of a browser, the token of a program, a ticket of either's last
 * connection. Secrets are random and only their hashes are stored, so that neither store gives away what opens a door.
 */
import { createHash, createHmac, createSecretKey, randomBytes, timingSafeEqual } from "node:crypto"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { Access, type Principal } from "../../rpc/access.ts"
import { CredentialRefused, type Ticket } from "../../rpc/investors.ts"
import type { Unavailable } from "../../rpc/market.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { ApiTokens } from "./ApiTokens.ts"
import { AttemptBuckets } from "./Attempts.ts"
import { AuditLog } from "./AuditLog.ts"
import { SignIns } from "./SignIns.ts"
import { SigningKey } from "./SigningKey.ts"

const ID_BYTES = 15
const SECRET_BYTES = 32
export const TOKEN_PREFIX = "lzs_"
/** Long enough to reconnect, short enough to be worth little to a thief, who has to be first with it. */
export const TICKET_LIFETIME_MILLIS = 120_000

export const hashSecret = (secret: string): Uint8Array => createHash("sha256").update(secret).digest()
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)

export interface Minted {
  readonly id: string
  readonly secret: string
  /** What is shown: both. */
  readonly text: string
}
const random = (bytes: number): string => randomBytes(bytes).toString("base64url")
export const randomId = (): string => random(ID_BYTES)
/** For an account whose owner did not choose one: nobody guesses it, and it can be typed. */
export const randomPassword = (): string => random(ID_BYTES)
const mint = (prefix: string): Minted => {
  const id = randomId()
  const secret = random(SECRET_BYTES)
  return { id, secret, text: `${prefix}${id}.${secret}` }
}
export const mintCookie = (): Minted => mint("")
export const mintToken = (): Minted => mint(TOKEN_PREFIX)

const shape = /^([A-Za-z0-9_-]{20})\.([A-Za-z0-9_-]{43})$/
/** Undefined: it cannot be one, whatever a store says. */
export const takeApart = (text: string, prefix = ""): Omit<Minted, "text"> | undefined => {
  if (!text.startsWith(prefix)) return undefined
  const [, id, secret] = shape.exec(text.slice(prefix.length)) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** Short names: it travels. */
const TicketBody = Schema.fromJsonString(
  Schema.Struct({
    i: Schema.String,
    a: Access,
    g: Schema.String,
    /** When the token was made and when it ends, and when this ticket does. */
    s: Schema.NullOr(Schema.Int),
    e: Schema.NullOr(Schema.Int),
    t: Schema.Int,
    n: Schema.String
  })
)
const decodeTicket = Schema.decodeUnknownOption(TicketBody)
const encodeTicket = Schema.encodeSync(TicketBody)

const refused = (message: string) => new CredentialRefused({ message })
const wrongToken = () =>
  refused("This token is not valid: it was mistyped, has expired or was revoked. Make another on the account page")
const wrongTicket = () => refused("This ticket is not valid any more: show the token, or sign in")
const signedOut = () => refused("Signed out: sign in again")

type Judged = Effect.Effect<Principal, CredentialRefused | Unavailable>

export class Credentials extends Context.Service<
  Credentials,
  {
    /** One read of the store of sign-ins. */
    readonly byCookie: (cookie: string) => Judged
    /** A token of an investor; its use is noted. */
    readonly byToken: (token: string, address: string) => Judged
    /** Good once, on whichever node. One round trip to the store of sign-ins. */
    readonly byTicket: (ticket: string, address: string) => Judged
    /** For programs alone: undefined for a browser, which has its cookie, where no script can read it. */
    readonly ticketFor: (principal: Principal) => Effect.Effect<Ticket | undefined>
  }
>()("lzstock/actors/investors/Credentials") {
  static readonly layer: Layer.Layer<Credentials, never, ApiTokens | AuditLog | Gauges | SigningKey | SignIns> =
    Layer.effect(
      Credentials,
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const signIns = yield* SignIns
        // as bytes it would be taken in anew for each ticket, at four times the price
        const key = createSecretKey((yield* SigningKey).key)
        const audit = yield* AuditLog
        const gauges = yield* Gauges

        /** When thousands come back at once, this is what they cost the stores. */
        const asked = <A, E>(ask: Effect.Effect<A, E>): Effect.Effect<A, E> =>
          Effect.suspend(() => {
            gauges.add("credential_store_reads_total", 1)
            return ask
          })

        const noted = new AttemptBuckets()
        /** Only what was somebody's once is worth a line: anybody can show anything. */
        const note = Effect.fnUntraced(function* (
          event: string,
          investor: string,
          address: string,
          detail: string | null
        ) {
          const at = yield* Clock.currentTimeMillis
          // once a minute: who has one wrong token can show it as often as they like
          if (noted.take(`${event} ${investor} ${address}`, { burst: 3, everyMillis: 60_000 }, at) > 0) return
          yield* audit.record({ at, investor, event, result: "refused", address, device: null, detail })
        })

        const sign = (body: string): Buffer => createHmac("sha256", key).update(body).digest()

        return Credentials.of({
          byCookie: Effect.fnUntraced(function* (cookie: string) {
            const parts = takeApart(cookie)
            if (parts === undefined) return yield* signedOut()
            const found = yield* asked(signIns.find(parts.id, yield* Clock.currentTimeMillis))
            if (found?.kind !== "browser" || !equal(found.secretHash, hashSecret(parts.secret)))
              return yield* signedOut()
            return {
              via: "cookie",
              investor: found.investor,
              access: "account",
              grant: found.id,
              since: found.createdAt,
              expiresAt: found.endsAt
            } as const
          }),

          byToken: Effect.fnUntraced(function* (text: string, address: string) {
            const parts = takeApart(text, TOKEN_PREFIX)
            if (parts === undefined) return yield* wrongToken()
            const now = yield* Clock.currentTimeMillis
            const token = yield* asked(tokens.find(parts.id))
            if (token === undefined) return yield* wrongToken()
            if (token.expiresAt <= now || !equal(token.secretHash, hashSecret(parts.secret))) {
              yield* note("token-refused", token.investor, address, token.name)
              return yield* wrongToken()
            }
            const alive = Effect.gen(function* () {
              // tickets stand on this. Whoever revokes deletes the token first and this then, so of two at once:
              yield* asked(
                signIns.put({
                  id: token.id,
                  kind: "token",
                  investor: token.investor,
                  secretHash: new Uint8Array(),
                  createdAt: token.createdAt,
                  lastSeenAt: now,
                  expiresAt: token.expiresAt,
                  endsAt: token.expiresAt,
                  userAgent: "",
                  address: ""
                })
              )
              // … either this finds the token gone, or the revocation finds what was put
              const there = (yield* asked(tokens.used([token.id], now))).has(token.id)
              if (!there) yield* asked(signIns.end(token.investor, token.id))
              return there
            })
            if (!(yield* Effect.uninterruptible(alive))) return yield* wrongToken()
            return {
              via: "token",
              investor: token.investor,
              access: token.access,
              grant: token.id,
              since: token.createdAt,
              expiresAt: token.expiresAt
            } as const
          }),

          byTicket: Effect.fnUntraced(function* (text: string, address: string) {
            const [body = "", mac = "", more] = text.split(".")
            if (more !== undefined || !equal(Buffer.from(mac, "base64url"), sign(body))) return yield* wrongTicket()
            const decoded = decodeTicket(Buffer.from(body, "base64url").toString("utf8"))
            const now = yield* Clock.currentTimeMillis
            if (decoded._tag === "None" || decoded.value.t <= now) return yield* wrongTicket()
            const { a, e, g, i, n, s, t } = decoded.value
            if (e !== null && e <= now) return yield* wrongTicket()
            const answer = yield* asked(signIns.redeem({ nonce: n, signIn: g, ticketExpiresAt: t, now }))
            if (answer !== "good") {
              yield* note("ticket-refused", i, address, answer === "used" ? "used before" : "the sign-in has ended")
              return yield* wrongTicket()
            }
            return { via: "token", investor: i, access: a, grant: g, since: s, expiresAt: e } as const
          }),

          ticketFor: ({ access, expiresAt, grant, investor, since, via }) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              if (grant === null || via !== "token") return undefined
              const json = encodeTicket({
                i: investor,
                a: access,
                g: grant,
                s: since,
                e: expiresAt,
                t: now + TICKET_LIFETIME_MILLIS,
                n: random(12)
              })
              const body = Buffer.from(json, "utf8").toString("base64url")
              return {
                ticket: `${body}.${sign(body).toString("base64url")}`,
                lifetimeMillis: TICKET_LIFETIME_MILLIS
              }
            })
        })
      })
    )
}
