/** Pauses, back-off and time-outs over real sockets: what takes time is told by the test's clock, the rest by the server's record. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import {
  failure,
  get,
  isWhole,
  listings,
  OTHER,
  openSec,
  PATH,
  pass,
  passUntil,
  scripted,
  status,
  TICKERS,
  until
} from "../../../test/support/openSec.ts"
import { secServer } from "../../../test/support/secServer.ts"

describe("pauses", () => {
  it.effect("of 30 seconds are waited for, by everybody", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([status(429, { "retry-after": "30" })])
      const first = yield* Effect.forkChild(get(sec))
      yield* until(() => sec.count("busy") === 1)
      const second = yield* Effect.forkChild(get(sec, OTHER))
      yield* pass(29.9, 100)
      assert.lengthOf(server.requests, 1)
      assert.strictEqual(sec.active(), 0)
      yield* passUntil(() => server.requests.length === 3)
      isWhole(yield* Fiber.join(first))
      assert.deepInclude(yield* Fiber.join(second), { cik: "1" })
    })
  )

  it.effect("until an HTTP date too", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([status(503, { "retry-after": new Date(20_000).toUTCString() })])
      const asking = yield* Effect.forkChild(get(sec))
      yield* until(() => sec.count("busy") === 1)
      yield* pass(19.9, 50)
      assert.lengthOf(server.requests, 1)
      yield* passUntil(() => server.requests.length === 2)
      isWhole(yield* Fiber.join(asking))
    })
  )

  it.effect.each([
    ["120", 120_000],
    [undefined, 600_000],
    ["soon", 600_000],
    ["86400", 900_000]
  ] as const)("of Retry-After: %s are told instead: nobody asks for %d ms", ([told, millis]) =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([status(429, told === undefined ? {} : { "retry-after": told })])
      for (const url of [TICKERS, OTHER, TICKERS]) {
        assert.deepInclude(yield* failure(sec, url), { kind: "busy", retryAfterMillis: millis })
      }
      assert.lengthOf(server.requests, 1)
      yield* pass(millis / 1_000)
      isWhole(yield* get(sec))
    })
  )

  it.live("that do not end are not waited for for ever", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted()
      server.sayBusy(0, 100)
      const error = yield* failure(sec)
      assert.strictEqual(error.kind, "busy")
      assert.isAtLeast(error.retryAfterMillis, 1_000)
      assert.lengthOf(server.requests, 4)
    })
  )

  it.live("the server's own limit: who asks faster than allowed is told to stop", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings, { perSecond: 3, blockSeconds: 600 })
      const sec = yield* openSec(server.url)
      const errors = yield* Effect.forEach(listings.slice(0, 50), () => Effect.exit(get(sec)))
      assert.isTrue(errors.some(Exit.isFailure))
      assert.isBelow(server.requests.length, 50)
      assert.strictEqual(sec.count("busy"), 1)
    })
  )
})

describe("time", () => {
  it.effect("no answer within 10 seconds is given up, and its connection closed", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([{ _tag: "Silence" }])
      const asking = yield* Effect.forkChild(get(sec))
      yield* until(() => server.requests.length === 1)
      yield* pass(9.9)
      assert.strictEqual(sec.active(), 1)
      yield* pass(0.2)
      yield* until(() => sec.count("failed") === 1)
      yield* passUntil(() => server.requests.length === 2)
      isWhole(yield* Fiber.join(asking))
      assert.strictEqual(sec.count("failed"), 1)
      assert.isFalse(yield* Effect.promise(() => server.requests[0]?.done ?? Promise.resolve(true)))
    })
  )

  it.effect("a body that stops for 20 seconds is given up", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([{ _tag: "Stall" }])
      const asking = yield* Effect.forkChild(get(sec))
      yield* until(() => sec.bytes() > 0)
      yield* pass(19.9)
      assert.strictEqual(sec.active(), 1)
      yield* pass(10)
      yield* until(() => sec.count("failed") === 1)
      yield* passUntil(() => server.requests.length === 2)
      isWhole(yield* Fiber.join(asking))
      assert.strictEqual(sec.count("failed"), 1)
    })
  )

  /** A piece each 15 seconds; how many of them are asked for is the server's to tell. */
  const trickle = Effect.fnUntraced(function* (pieces: number) {
    let release = () => {}
    let sent = 1
    const next = () =>
      new Promise<void>((resolve) => {
        release = () => {
          sent++
          resolve()
        }
      })
    const { sec, server } = yield* scripted([{ _tag: "Slow", pieces, next }])
    const asking = yield* Effect.forkChild(get(sec))
    const isGivenUp = () => sec.count("failed") > 0
    let bytes = 0
    while (sent < pieces && !isGivenUp()) {
      yield* until(() => sec.bytes() > bytes || isGivenUp())
      bytes = sec.bytes()
      yield* pass(15)
      release()
    }
    return { sec, server, asking }
  })

  it.effect("a body that goes on arriving is waited for", () =>
    Effect.gen(function* () {
      const { asking, sec, server } = yield* trickle(7)
      isWhole(yield* Fiber.join(asking))
      assert.lengthOf(server.requests, 1)
      assert.strictEqual(sec.count("ok"), 1)
    })
  )

  it.effect("but no longer than 2 minutes", () =>
    Effect.gen(function* () {
      const { asking, sec, server } = yield* trickle(20)
      yield* passUntil(() => server.requests.length === 2)
      isWhole(yield* Fiber.join(asking))
      assert.strictEqual(sec.count("failed"), 1)
    })
  )

  it.effect("longer and longer after each other", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      server.always(PATH, status(500))
      const sec = yield* openSec(server.url, { backOff: "10 seconds" })
      const asking = yield* Effect.forkChild(Effect.flip(get(sec)))
      // 10, 20 and 40 seconds, with a jitter of 20 %
      const bounds: ReadonlyArray<readonly [least: number, most: number]> = [
        [8, 12],
        [16, 24],
        [32, 48]
      ]
      const begun = () => sec.active() + sec.count("failed")
      for (const [attempt, [least, most]] of bounds.entries()) {
        // the clock stands still while the server answers
        yield* until(() => sec.count("failed") === attempt + 1)
        let seconds = 0
        for (; begun() === attempt + 1; seconds += 0.1) yield* pass(0.1, 1)
        assert.isAtLeast(seconds, least - 0.1)
        assert.isAtMost(seconds, most + 0.2)
      }
      assert.strictEqual((yield* Fiber.join(asking)).kind, "busy")
    })
  )
})
