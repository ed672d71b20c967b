/** Tokens and tickets: what opens a door, what does no more, and what is said of it. Over a real embedded database. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { ApiTokens } from "../../src/actors/investors/ApiTokens.ts"
import { Credentials, hashSecret, mintToken, TICKET_LIFETIME_MILLIS } from "../../src/actors/investors/Credentials.ts"
import { Investors } from "../../src/actors/investors/Investors.ts"
import { SignIns } from "../../src/actors/investors/SignIns.ts"
import { DAY, eventsOf, makeAccounts } from "../support/investors.ts"

const accounts = makeAccounts()
const home = { address: "192.0.2.1", userAgent: "curl/8" }
const FROM = "192.0.2.9"

const refused = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => assert.strictEqual(error._tag, "CredentialRefused"))

const signedUp = Effect.gen(function* () {
  const investors = yield* Investors
  const { cookie, investor } = yield* investors.signUp(
    { email: "ada@example.com", password: "correct battery horse" },
    home
  )
  return { cookie, investor: investor.id }
})

const token = Effect.fnUntraced(function* (investor: string, access: "read" | "write", days: number) {
  const { id, secret, text } = mintToken()
  const made = {
    id,
    investor,
    name: "script",
    access,
    createdAt: 0,
    expiresAt: days * DAY,
    lastUsedAt: null,
    secretHash: hashSecret(secret)
  }
  assert.isTrue(yield* (yield* ApiTokens).create(made, 10, null))
  return { id, text }
})

/** A program's connection, with a token of somebody who signed up. */
const connected = Effect.gen(function* () {
  const { investor } = yield* signedUp
  const { id, text } = yield* token(investor, "read", 7)
  return { investor, id, principal: yield* (yield* Credentials).byToken(text, FROM) }
})

const ticketOf = Effect.fnUntraced(function* (principal: Parameters<Credentials["Service"]["ticketFor"]>[0]) {
  const ticket = yield* (yield* Credentials).ticketFor(principal)
  return ticket?.ticket ?? assert.fail("no ticket")
})

describe("a token", () => {
  it.effect("is its investor's, as far as it goes and until it ends", () =>
    Effect.gen(function* () {
      const { byToken } = yield* Credentials
      const { investor } = yield* signedUp
      const { id, text } = yield* token(investor, "read", 7)
      assert.deepStrictEqual(yield* byToken(text, FROM), {
        via: "token",
        investor,
        access: "read",
        grant: id,
        since: 0,
        expiresAt: 7 * DAY
      })
      assert.strictEqual((yield* (yield* ApiTokens).list(investor, 0))[0]?.lastUsedAt, 0)
      yield* TestClock.adjust(7 * DAY)
      yield* refused(byToken(text, FROM))
      assert.include(yield* eventsOf(investor, 2), "token-refused refused")
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("with another secret, of another id, or of no shape, is none", () =>
    Effect.gen(function* () {
      const { byToken } = yield* Credentials
      const { investor } = yield* signedUp
      const { id, text } = yield* token(investor, "write", 7)
      const other = mintToken()
      const wrong = [
        "",
        "lzs_",
        `lzs_${id}`,
        `lzs_${id}.`,
        `lzs_${id}.${other.secret}`,
        other.text,
        text.slice(4),
        `${text} `,
        `${text}x`,
        text.toUpperCase()
      ]
      for (const one of wrong) yield* refused(byToken(one, FROM))
      yield* byToken(text, FROM)
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("that is revoked opens nothing more, nor does a ticket that stands on it", () =>
    Effect.gen(function* () {
      const credentials = yield* Credentials
      const { investor } = yield* signedUp
      const { id, text } = yield* token(investor, "write", 7)
      const ticket = yield* ticketOf(yield* credentials.byToken(text, FROM))
      assert.isTrue(yield* (yield* ApiTokens).revoke(investor, id))
      yield* (yield* SignIns).end(investor, id)
      yield* refused(credentials.byToken(text, FROM))
      yield* refused(credentials.byTicket(ticket, FROM))
      // nothing came back by that
      assert.isUndefined(yield* (yield* SignIns).find(id, 0))
    }).pipe(Effect.provide(accounts()))
  )
})

describe("a ticket", () => {
  it.effect("is whom it was given to, once, on whichever node", () =>
    Effect.gen(function* () {
      const credentials = yield* Credentials
      const { investor, principal } = yield* connected
      const ticket = yield* ticketOf(principal)
      assert.deepStrictEqual(yield* credentials.byTicket(ticket, FROM), principal)
      yield* refused(credentials.byTicket(ticket, FROM))
      assert.include(yield* eventsOf(investor, 2), "ticket-refused refused")
      // as many as one asks for, each another
      const tickets = yield* Effect.forEach([1, 2, 3], () => ticketOf(principal))
      assert.strictEqual(new Set(tickets).size, 3)
      for (const one of tickets) yield* credentials.byTicket(one, FROM)
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("is good for two minutes, and not after its sign-in has ended", () =>
    Effect.gen(function* () {
      const credentials = yield* Credentials
      const signIns = yield* SignIns
      const { id, investor, principal } = yield* connected
      const late = yield* ticketOf(principal)
      yield* TestClock.adjust(TICKET_LIFETIME_MILLIS)
      yield* refused(credentials.byTicket(late, FROM))
      const soon = yield* ticketOf(principal)
      yield* TestClock.adjust(TICKET_LIFETIME_MILLIS - 1)
      yield* credentials.byTicket(soon, FROM)
      const ended = yield* ticketOf(principal)
      yield* signIns.end(investor, id)
      yield* refused(credentials.byTicket(ended, FROM))
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("that anybody changed in anything, or made themselves, is none", () =>
    Effect.gen(function* () {
      const credentials = yield* Credentials
      const { principal } = yield* connected
      const ticket = yield* ticketOf(principal)
      const [body = "", mac = ""] = ticket.split(".")
      const opened = Buffer.from(body, "base64url").toString()
      const forged = Buffer.from(opened.replace(principal.investor, "somebody")).toString("base64url")
      assert.notStrictEqual(forged, body)
      const wrong = [
        "",
        ".",
        body,
        `${body}.`,
        `.${mac}`,
        `${forged}.${mac}`,
        `${body}.${mac.slice(1)}`,
        `${body}.${mac}.`,
        `${body}A.${mac}`,
        `${mac}.${body}`
      ]
      for (const one of wrong) yield* refused(credentials.byTicket(one, FROM))
      for (let at = 0; at < body.length; at += 7) {
        const flipped = `${body.slice(0, at)}${body[at] === "A" ? "B" : "A"}${body.slice(at + 1)}.${mac}`
        yield* refused(credentials.byTicket(flipped, FROM))
      }
      // none of them used it up
      yield* credentials.byTicket(ticket, FROM)
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("is not given to whom there is nothing to come back to", () =>
    Effect.gen(function* () {
      const { ticketFor } = yield* Credentials
      for (const via of ["local", "operator"] as const) {
        const nobody = { via, investor: "x", access: "read", grant: null, since: null, expiresAt: null } as const
        assert.isUndefined(yield* ticketFor(nobody))
      }
      // a browser has its cookie, where no script can read it
      const { cookie } = yield* signedUp
      assert.isUndefined(yield* ticketFor(yield* (yield* Credentials).byCookie(cookie)))
    }).pipe(Effect.provide(accounts()))
  )
})
