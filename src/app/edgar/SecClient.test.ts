/** Over real sockets: what the SEC and the network may do, and what the client makes of it. Pauses and time-outs: SecClientTime. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import {
  failure,
  file,
  get,
  isWhole,
  listings,
  OTHER,
  openSec,
  PATH,
  pass,
  reading,
  scripted,
  status,
  TICKERS,
  until,
  WHO
} from "../../../test/support/openSec.ts"
import { type Behaviour, secServer } from "../../../test/support/secServer.ts"

describe("who asks", () => {
  it.live("says who asks, takes gzip, and sends nothing else about us", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted()
      isWhole(yield* get(sec).pipe(Effect.withSpan("traced")))
      const { "user-agent": who, "accept-encoding": encoding, ...others } = server.requests[0]?.headers ?? {}
      assert.deepStrictEqual([who, encoding], [WHO, "gzip"])
      assert.deepStrictEqual(Object.keys(others).sort(), ["accept", "connection", "host"])
      assert.isBelow(sec.bytes(), JSON.stringify(listings).length / 2, "unzipped bytes are not counted")
      assert.isAbove(sec.bytes(), 0)
    })
  )

  it.live("asks nobody when nobody said for whom, and says what to set", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      const sec = yield* openSec(server.url, { userAgent: undefined })
      const error = yield* failure(sec)
      assert.isFalse(sec.source.isOn)
      assert.strictEqual(error.kind, "off")
      assert.include(error.message, 'LZSTOCK_SEC_USER_AGENT="Your Name you@example.com"')
      assert.lengthOf(server.requests, 0)
    })
  )

  it.effect("refused: says why, does not insist, and nobody else asks for 10 minutes", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      const sec = yield* openSec(server.url, { userAgent: "nobody" })
      for (const expected of [600_000, 540_000]) {
        const error = yield* failure(sec)
        assert.strictEqual(error.kind, "refused")
        assert.strictEqual(error.retryAfterMillis, expected)
        assert.include(error.message, "LZSTOCK_SEC_USER_AGENT")
        assert.include(error.message, "10 minutes")
        yield* pass(60)
      }
      assert.strictEqual((yield* failure(sec, OTHER)).kind, "refused")
      assert.lengthOf(server.requests, 1)
      yield* pass(480)
      assert.strictEqual((yield* failure(sec)).kind, "refused")
      assert.lengthOf(server.requests, 2, "asked again after the pause")
      assert.strictEqual(sec.count("refused"), 2)
      assert.lengthOf(sec.logged, 2, "one line a pause")
    })
  )
})

describe("what may get better is tried again", () => {
  it.live.each<readonly [string, Behaviour, string]>([
    ["500", status(500), "failed"],
    ["503 that names no time", status(503), "failed"],
    ["429 for 0 seconds", status(429, { "retry-after": "0" }), "busy"],
    ["a connection that is reset", { _tag: "Reset" }, "failed"],
    ["half a body and a reset", { _tag: "Cut", how: "reset" }, "malformed"],
    ["half a body as if it were all", { _tag: "Cut", how: "ended" }, "malformed"],
    ["half a JSON as if it were all", { _tag: "Cut", how: "plain" }, "malformed"],
    ["a page instead of JSON", { _tag: "Text", text: "<html>Sorry</html>" }, "malformed"],
    ["nothing at all", { _tag: "Text", text: "" }, "malformed"]
  ])("%s", ([_, bad, result]) =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([bad, bad, bad, file, bad, bad, bad, bad, file])
      isWhole(yield* get(sec))
      assert.strictEqual(sec.count(result), 3)
      const error = yield* failure(sec)
      assert.strictEqual(error.kind, result === "malformed" ? "malformed" : "busy")
      assert.include(error.message, "Tried 4 times.")
      assert.isFalse(error.message.includes("\n"))
      assert.isAbove(error.retryAfterMillis, 0)
      assert.lengthOf(server.requests, 8)
      assert.strictEqual(sec.count(result), 7)
      isWhole(yield* get(sec))
      assert.strictEqual(sec.active(), 0)
    })
  )

  it.live("nobody there", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { url } = yield* Scope.provide(secServer(), scope)
      yield* Scope.close(scope, Exit.void)
      const sec = yield* openSec(url)
      const error = yield* failure(sec)
      assert.strictEqual(error.kind, "busy")
      assert.include(error.message, "ECONNREFUSED")
      assert.strictEqual(sec.count("failed"), 4)
    })
  )
})

describe("what does not", () => {
  it.live("null for what is not there", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted()
      assert.isNull(yield* get(sec, "https://data.sec.gov/submissions/CIK0000009999.json"))
      assert.lengthOf(server.requests, 1)
      assert.strictEqual(sec.count("missing"), 1)
    })
  )

  it.live.each<readonly [string, Behaviour, string]>([
    ["another shape", { _tag: "Json", value: ["not", "an", "object"] }, "shape"],
    ["another encoding", { _tag: "Text", text: "{}", headers: { "content-encoding": "br" } }, '"br"'],
    ["a status that means nothing here", status(418), "418"],
    ["a redirect to nowhere", status(302), "302"],
    ["a redirect to elsewhere", status(302, { location: "http://example.com/x" }), "example.com"],
    ["a redirect to another port", status(301, { location: "http://127.0.0.1:1/x" }), "127.0.0.1:1"],
    ["a redirect to itself, for ever", status(307, { location: PATH }), "more than 3 times"]
  ])("%s is malformed", ([_, bad, words]) =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([], bad)
      const error = yield* failure(sec)
      assert.strictEqual(error.kind, "malformed")
      assert.include(error.message, words)
      assert.lengthOf(server.requests, words.startsWith("more") ? 4 : 1)
    })
  )

  it.live("a redirect to the same server is followed", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([status(301, { location: "/submissions/CIK0000000001.json" })])
      assert.deepInclude(yield* get(sec), { cik: "1" })
      assert.lengthOf(server.requests, 2)
      assert.strictEqual(sec.count("moved"), 1)
    })
  )

  it.live("too large, by its length: not read, and its connection closed", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([{ _tag: "Slow", pieces: 2, next: () => new Promise(() => {}) }])
      const error = yield* Effect.flip(sec.client.get(TICKERS, { ...reading, maxBytes: 100 }))
      assert.strictEqual(error.kind, "malformed")
      assert.isFalse(yield* Effect.promise(() => server.requests[0]?.done ?? Promise.resolve(true)))
      assert.strictEqual(sec.bytes(), 0)
      assert.lengthOf(server.requests, 1)
    })
  )

  it.live("too large, by what comes: given up at the limit", () =>
    Effect.gen(function* () {
      const endless = { _tag: "Endless", piece: "x".repeat(10_000) } as const
      const { sec, server } = yield* scripted([endless])
      const error = yield* Effect.flip(sec.client.get(TICKERS, { ...reading, maxBytes: 200_000 }))
      assert.strictEqual(error.kind, "malformed")
      assert.isFalse(yield* Effect.promise(() => server.requests[0]?.done ?? Promise.resolve(true)))
      assert.isBelow(sec.bytes(), 1_000_000)
    })
  )

  it.live("too large once unzipped", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([{ _tag: "Json", value: { zeros: "0".repeat(5_000_000) } }])
      const error = yield* failure(sec)
      assert.strictEqual(error.kind, "malformed")
      assert.include(error.message, "larger than 1000000 bytes")
      assert.isBelow(sec.bytes(), 100_000)
      assert.lengthOf(server.requests, 1)
      assert.strictEqual(sec.active(), 0)
    })
  )
})

describe("leaving", () => {
  it.live.each<readonly [string, Behaviour]>([
    ["before the answer", { _tag: "Silence" }],
    ["in the middle of the body", { _tag: "Stall" }]
  ])("%s closes the connection", ([_, behaviour]) =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([behaviour])
      const asking = yield* Effect.forkChild(get(sec))
      yield* Effect.promise(() => server.arrived(1))
      if (behaviour._tag === "Stall") yield* until(() => sec.bytes() > 0)
      assert.strictEqual(sec.active(), 1)
      yield* Fiber.interrupt(asking)
      assert.isFalse(yield* Effect.promise(() => server.requests[0]?.done ?? Promise.resolve(true)))
      assert.strictEqual(sec.active(), 0)
      assert.strictEqual(sec.count("interrupted"), 1)
      isWhole(yield* get(sec))
    })
  )

  it.live("two at a time, whoever asks; those who leave make room", () =>
    Effect.gen(function* () {
      const { sec, server } = yield* scripted([], { _tag: "Silence" })
      const asking = yield* Effect.forkChild(Effect.forEach([1, 2, 3, 4, 5], () => get(sec), { concurrency: 5 }))
      yield* Effect.promise(() => server.arrived(2))
      const other = yield* Effect.forkChild(get(sec, OTHER))
      for (let turn = 0; turn < 50; turn++) yield* until(() => true)
      assert.strictEqual(sec.active(), 2)
      assert.lengthOf(server.requests, 2)
      yield* Fiber.interrupt(asking)
      assert.deepInclude(yield* Fiber.join(other), { cik: "1" })
      assert.strictEqual(sec.active(), 0)
    })
  )

  it.live("the end of the client closes what it holds open", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      const scope = yield* Scope.make()
      const sec = yield* Scope.provide(openSec(server.url), scope)
      isWhole(yield* get(sec))
      assert.strictEqual(yield* Effect.promise(() => server.connections()), 1)
      yield* Scope.close(scope, Exit.void)
      while ((yield* Effect.promise(() => server.connections())) > 0) yield* until(() => true)
    })
  )
})
