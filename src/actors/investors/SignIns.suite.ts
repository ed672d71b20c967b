/** What every SignIns must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { MOST_BROWSERS, SignIns, type StoredSignIn } from "./SignIns.ts"

/** Any time will do: it is always given. */
export const NOW = 1_800_000_000_000
const HOUR = 60 * 60_000
const DAY = 24 * HOUR

export const signInOf = (investor: string, id: string, more: Partial<StoredSignIn> = {}): StoredSignIn => ({
  id,
  kind: "browser",
  investor,
  secretHash: Uint8Array.from({ length: 32 }, (_, n) => (n * 41 + id.length) % 256),
  createdAt: NOW,
  lastSeenAt: NOW,
  expiresAt: NOW + 7 * DAY,
  endsAt: NOW + 30 * DAY,
  userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
  address: "192.0.2.7",
  ...more
})

type Store = typeof SignIns.Service

export const ticketOf = (nonce: string, signIn: string, now = NOW) => ({
  nonce,
  signIn,
  ticketExpiresAt: now + HOUR,
  now
})

const idsOf = (signIns: ReadonlyArray<StoredSignIn>) => signIns.map(({ id }) => id)

/** `layer` must give no sign-ins each time it is built. */
export const signInsSuite = <E>(name: string, layer: Layer.Layer<SignIns, E>): void => {
  const check = <F>(title: string, body: (signIns: Store) => Effect.Effect<void, F>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(SignIns, body), layer))

  describe(name, () => {
    check("gives back what was put, each thing as it was, until it expires", (signIns) =>
      Effect.gen(function* () {
        const browser = signInOf("ann", "browser", { userAgent: 'Bröwser "x" 🍏 {}[]', address: "2001:db8::1" })
        const token = signInOf("ann", "token", { kind: "token", secretHash: new Uint8Array(), userAgent: "" })
        yield* signIns.put(browser)
        yield* signIns.put(token)
        assert.deepStrictEqual(yield* signIns.find("browser", NOW), browser)
        assert.deepStrictEqual(yield* signIns.find("token", NOW), token)
        assert.deepStrictEqual(yield* signIns.find("browser", browser.expiresAt - 1), browser)
        assert.isUndefined(yield* signIns.find("browser", browser.expiresAt))
        for (const none of ["browse", "BROWSER", "ann", ""]) assert.isUndefined(yield* signIns.find(none, NOW))
      })
    )

    check("one that is put again takes the other's place, whosever it was", (signIns) =>
      Effect.gen(function* () {
        yield* signIns.put(signInOf("ann", "one"))
        const later = signInOf("ann", "one", { lastSeenAt: NOW + 5, expiresAt: NOW + HOUR, address: "192.0.2.8" })
        yield* signIns.put(later)
        assert.deepStrictEqual(yield* signIns.find("one", NOW), later)
        assert.isUndefined(yield* signIns.find("one", NOW + HOUR))
        assert.deepStrictEqual(yield* signIns.list("ann", NOW), [later])
        const moved = signInOf("bob", "one")
        yield* signIns.put(moved)
        assert.deepStrictEqual(yield* signIns.list("ann", NOW), [])
        assert.isFalse(yield* signIns.end("ann", "one"))
        assert.deepStrictEqual(yield* signIns.endAll("ann", { tokens: true }), [])
        assert.deepStrictEqual(yield* signIns.list("bob", NOW), [moved])
      })
    )

    check("lists an investor's own browsers that are signed in, the one seen last first", (signIns) =>
      Effect.gen(function* () {
        yield* signIns.put(signInOf("ann", "a", { lastSeenAt: NOW + 1 }))
        yield* signIns.put(signInOf("ann", "b", { lastSeenAt: NOW + 3 }))
        yield* signIns.put(signInOf("ann", "c", { lastSeenAt: NOW + 2, expiresAt: NOW + HOUR }))
        yield* signIns.put(signInOf("ann", "d", { kind: "token", lastSeenAt: NOW + 4 }))
        yield* signIns.put(signInOf("bob", "e", { lastSeenAt: NOW + 5 }))
        assert.deepStrictEqual(idsOf(yield* signIns.list("ann", NOW + 10)), ["b", "c", "a"])
        assert.deepStrictEqual(idsOf(yield* signIns.list("ann", NOW + HOUR)), ["b", "a"])
        yield* signIns.seen(["a"], NOW + 20, HOUR)
        assert.deepStrictEqual(idsOf(yield* signIns.list("ann", NOW + 20)), ["a", "b", "c"])
        assert.deepStrictEqual(idsOf(yield* signIns.list("bob", NOW + 10)), ["e"])
        assert.deepStrictEqual(yield* signIns.list("nobody", NOW), [])
      })
    )

    check("an investor has so many browsers at most: of more the one not seen for longest ends", (signIns) =>
      Effect.gen(function* () {
        const own = Effect.map(signIns.list("ann", NOW), idsOf)
        for (let n = 0; n < MOST_BROWSERS; n++) yield* signIns.put(signInOf("ann", `b${n}`, { lastSeenAt: NOW + n }))
        yield* signIns.put(signInOf("ann", "t", { kind: "token", lastSeenAt: NOW - 1 }))
        yield* signIns.put(signInOf("bob", "other", { lastSeenAt: NOW - 1 }))
        assert.lengthOf(yield* own, MOST_BROWSERS)
        yield* signIns.seen(["b0"], NOW + 1_000, DAY)
        // one in its own place, and a token: none is more
        yield* signIns.put(signInOf("ann", "b2", { lastSeenAt: NOW + 1_001 }))
        yield* signIns.put(signInOf("ann", "u", { kind: "token" }))
        assert.isDefined(yield* signIns.find("b1", NOW))
        yield* signIns.put(signInOf("ann", "new", { lastSeenAt: NOW + 1_002 }))
        assert.strictEqual(yield* signIns.redeem(ticketOf("n", "b1")), "ended")
        const left = yield* own
        assert.lengthOf(left, MOST_BROWSERS)
        assert.deepStrictEqual(left.slice(0, 3), ["new", "b2", "b0"])
        assert.strictEqual(left.at(-1), "b3")
        // by the clock of a node that is behind: the one that is put stays all the same
        yield* signIns.put(signInOf("ann", "behind", { lastSeenAt: NOW - 5 }))
        assert.includeMembers(yield* own, ["behind", "b4"])
        assert.lengthOf(yield* own, MOST_BROWSERS)
        for (const id of ["b1", "b3"]) assert.isUndefined(yield* signIns.find(id, NOW))
        for (const id of ["t", "u", "other"]) assert.isDefined(yield* signIns.find(id, NOW))
        // of many at the same moment none stays beyond once another has come
        const many = Array.from({ length: 30 }, (_, n) => signInOf("ann", `many${n}`, { lastSeenAt: NOW + 2_000 }))
        yield* Effect.forEach(many, signIns.put, { concurrency: "unbounded", discard: true })
        yield* signIns.put(signInOf("ann", "last", { lastSeenAt: NOW + 2_001 }))
        const last = yield* own
        assert.lengthOf(last, MOST_BROWSERS)
        assert.includeMembers(last, ["last", ...idsOf(many)])
      })
    )

    check("only its owner ends one, and once", (signIns) =>
      Effect.gen(function* () {
        yield* signIns.put(signInOf("ann", "a"))
        yield* signIns.put(signInOf("ann", "b"))
        assert.isFalse(yield* signIns.end("bob", "a"))
        assert.isFalse(yield* signIns.end("ann", "none"))
        assert.isDefined(yield* signIns.find("a", NOW))
        assert.isTrue(yield* signIns.end("ann", "a"))
        assert.isFalse(yield* signIns.end("ann", "a"))
        assert.isUndefined(yield* signIns.find("a", NOW))
        assert.deepStrictEqual(idsOf(yield* signIns.list("ann", NOW)), ["b"])
      })
    )

    check("ends all; those of tokens only when told to; nobody else's", (signIns) =>
      Effect.gen(function* () {
        const all = Effect.gen(function* () {
          for (const id of ["a", "b", "c"]) yield* signIns.put(signInOf("ann", id))
          yield* signIns.put(signInOf("ann", "t", { kind: "token" }))
          yield* signIns.put(signInOf("bob", "d"))
          yield* signIns.put(signInOf("bob", "u", { kind: "token" }))
        })
        const left = Effect.gen(function* () {
          const found: Array<string> = []
          for (const id of ["a", "b", "c", "t", "d", "u"])
            if ((yield* signIns.find(id, NOW)) !== undefined) found.push(id)
          return found
        })
        const ended = (tokens: boolean) => Effect.map(signIns.endAll("ann", { tokens }), (ids) => [...ids].sort())
        yield* all
        assert.deepStrictEqual(yield* ended(false), ["a", "b", "c"])
        assert.deepStrictEqual(yield* left, ["t", "d", "u"])
        assert.deepStrictEqual(idsOf(yield* signIns.list("ann", NOW)), [])
        yield* all
        assert.deepStrictEqual(yield* ended(true), ["a", "b", "c", "t"])
        assert.deepStrictEqual(yield* ended(true), [])
        assert.deepStrictEqual(yield* left, ["d", "u"])
      })
    )

    check(
      "who is seen expires later, never after the end, never earlier than so far, and not once expired",
      (signIns) =>
        Effect.gen(function* () {
          yield* signIns.put(signInOf("ann", "a", { expiresAt: NOW + DAY, endsAt: NOW + 2 * DAY }))
          yield* signIns.put(signInOf("bob", "b", { expiresAt: NOW + HOUR, endsAt: NOW + 2 * DAY }))
          const at = (id: string) =>
            Effect.map(signIns.find(id, NOW), (found) =>
              [found?.lastSeenAt, found?.expiresAt].map((time) => (time ?? 0) - NOW)
            )
          const seen = (now: number, idle: number, ...ids: ReadonlyArray<string>) =>
            Effect.map(signIns.seen(ids, now, idle), (there) => [...there].sort())

          assert.deepStrictEqual(yield* seen(NOW + HOUR - 1, DAY, "a", "b", "none", "a"), ["a", "b"])
          assert.deepStrictEqual(yield* at("a"), [HOUR - 1, DAY + HOUR - 1])
          assert.deepStrictEqual(yield* at("b"), [HOUR - 1, DAY + HOUR - 1])
          // less than it has already, and what another node saw before
          assert.deepStrictEqual(yield* seen(NOW + 5, HOUR, "a"), ["a"])
          assert.deepStrictEqual(yield* at("a"), [HOUR - 1, DAY + HOUR - 1])
          assert.deepStrictEqual(yield* seen(NOW + DAY, 7 * DAY, "a"), ["a"])
          assert.deepStrictEqual(yield* at("a"), [DAY, 2 * DAY])
          assert.isDefined(yield* signIns.find("a", NOW + 2 * DAY - 1))
          assert.isUndefined(yield* signIns.find("a", NOW + 2 * DAY))
          assert.deepStrictEqual(yield* seen(NOW + DAY + HOUR - 1, DAY, "b", "a"), ["a"])
          assert.isUndefined(yield* signIns.find("b", NOW + DAY + HOUR - 1))
          assert.deepStrictEqual(yield* seen(NOW + 2 * DAY, DAY, "a"), [])
          assert.deepStrictEqual(yield* seen(NOW, DAY), [])
        })
    )

    check("thousands are seen at once, by several nodes", (signIns) =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 1_100 }, (_, n) => `s${n}`)
        yield* Effect.forEach(ids, (id) => signIns.put(signInOf(`i${id}`, id)), { concurrency: 50, discard: true })
        const answers = yield* Effect.forEach(
          [ids, ids.toReversed(), ids],
          (order, n) => signIns.seen(order, NOW + n, 8 * DAY),
          { concurrency: "unbounded" }
        )
        for (const there of answers) assert.strictEqual(there.size, 1_100)
        for (const id of ["s0", "s199", "s999", "s1000", "s1099"]) {
          assert.strictEqual((yield* signIns.find(id, NOW))?.expiresAt, NOW + 2 + 8 * DAY)
        }
      })
    )

    check("a ticket is good once", (signIns) =>
      Effect.gen(function* () {
        yield* signIns.put(signInOf("ann", "a"))
        yield* signIns.put(signInOf("ann", "t", { kind: "token" }))
        assert.strictEqual(yield* signIns.redeem(ticketOf("n1", "a")), "good")
        assert.strictEqual(yield* signIns.redeem(ticketOf("n1", "a")), "used")
        assert.strictEqual(yield* signIns.redeem({ ...ticketOf("n1", "a"), now: NOW + HOUR - 1 }), "used")
        assert.strictEqual(yield* signIns.redeem(ticketOf("n2", "a")), "good")
        assert.strictEqual(yield* signIns.redeem(ticketOf("n3", "t")), "good")
      })
    )

    check("a ticket of a sign-in that is no more is none", (signIns) =>
      Effect.gen(function* () {
        yield* signIns.put(signInOf("ann", "a", { expiresAt: NOW + HOUR }))
        assert.strictEqual(yield* signIns.redeem(ticketOf("n1", "none")), "ended")
        assert.strictEqual(yield* signIns.redeem(ticketOf("n2", "a", NOW + HOUR)), "ended")
        assert.strictEqual(yield* signIns.redeem(ticketOf("n3", "a", NOW + HOUR - 1)), "good")
        assert.strictEqual(yield* signIns.redeem(ticketOf("n3", "a", NOW + HOUR)), "ended")
        yield* signIns.end("ann", "a")
        assert.strictEqual(yield* signIns.redeem(ticketOf("n4", "a")), "ended")
        yield* signIns.put(signInOf("ann", "b"))
        yield* signIns.endAll("ann", { tokens: false })
        assert.strictEqual(yield* signIns.redeem(ticketOf("n5", "b")), "ended")
      })
    )

    check("of 200 that show one ticket at once one gets in", (signIns) =>
      Effect.gen(function* () {
        for (const id of ["a", "b"]) yield* signIns.put(signInOf("ann", id))
        const tickets = Array.from({ length: 200 }, () => ticketOf("stolen", "a")).flatMap((ticket, n) => [
          ticket,
          ticketOf(`own-${n}`, "b"),
          ticketOf(`dead-${n}`, "none")
        ])
        const answers = yield* Effect.forEach(tickets, signIns.redeem, { concurrency: "unbounded" })
        const of = (start: string) => answers.filter((_, n) => tickets[n]?.nonce.startsWith(start))
        assert.deepStrictEqual(of("stolen").toSorted(), ["good", ...Array.from({ length: 199 }, () => "used")])
        assert.deepStrictEqual(new Set(of("own")), new Set(["good"]))
        assert.deepStrictEqual(new Set(of("dead")), new Set(["ended"]))
      })
    )

    check("10,000 come back at once, each with its own ticket", (signIns) =>
      Effect.gen(function* () {
        const count = 10_000
        for (let n = 0; n < 100; n++) yield* signIns.put(signInOf("ann", `s${n}`))
        const tickets = Array.from({ length: count }, (_, n) => ticketOf(`n${n}`, `s${n % 100}`))
        const answers = yield* Effect.forEach(tickets, signIns.redeem, { concurrency: "unbounded" })
        assert.strictEqual(answers.filter((answer) => answer === "good").length, count)
        const again = yield* Effect.forEach(tickets, signIns.redeem, { concurrency: "unbounded" })
        assert.strictEqual(again.filter((answer) => answer === "used").length, count)
      })
    )
  })
}
