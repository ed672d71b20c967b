/** What a person is told of a server that is there and says no: one line, in its words, with when to try again and the exit code of it. */
import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue } from "effect"
import { type BareConnection, makeBareWebSocketServer } from "../../../test/support/BareWebSocketServer.ts"
import { runCaptured } from "../../../test/support/commandLine.ts"
import { watching } from "../../../test/support/ScriptedMarket.ts"
import { endingTexts } from "../../rpc/endings.ts"
import { CloseCode } from "../../rpc/sessions.ts"

const env = { LZSTOCK_TOKEN: "lzs_mine" }
const run = (...args: ReadonlyArray<string>) => Effect.promise(() => runCaptured(args, env))

/** Answers every upgrade with this instead. */
const refusing = (status: string, headers: Readonly<Record<string, string>>, body: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly stop: () => void }>((resume) => {
      const server = createServer()
      server.on("upgrade", (_, socket) => {
        const lines = Object.entries({ ...headers, connection: "close" }).map(([name, value]) => `${name}: ${value}`)
        socket.end([`HTTP/1.1 ${status}`, ...lines, `content-length: ${body.length}`, "", body].join("\r\n"))
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" ? address?.port : undefined
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, stop: () => server.close() }))
      })
    }),
    ({ stop }) => Effect.sync(stop)
  )

describe("a connection that the server closes", () => {
  it.live.each([
    [CloseCode.TryAgainLater, "This node is full: try again in 5 s"],
    [CloseCode.TooManyMessages, "Too many requests: slow down, and try again in 4 s"]
  ] as const)("with %i says when to try again, and not that there is no server", ([code, reason]) =>
    Effect.gen(function* () {
      const server = yield* makeBareWebSocketServer
      const running = yield* Effect.forkChild(run("quote", "AAPL", "--url", server.url))
      const { socket } = yield* server.next
      socket.close(code, reason)
      assert.deepStrictEqual(yield* Fiber.join(running), {
        code: 5,
        out: "",
        err: `lzstock: ${server.url} takes no connection now: ${reason}\n`
      })
    }).pipe(Effect.scoped)
  )
})

describe("an upgrade that is answered otherwise", () => {
  it.live("is told in the server's own words", () =>
    Effect.gen(function* () {
      const message = "Too many new connections: slow down, and try again in 3 s"
      const { url } = yield* refusing("429 Too Many Requests", {}, JSON.stringify({ error: "rate", message }))
      const ended = yield* run("status", "--url", url)
      assert.deepStrictEqual(ended, { code: 5, out: "", err: `lzstock: ${url} takes no connection now: ${message}\n` })
    }).pipe(Effect.scoped)
  )

  it.live("is told with the wait of its header, where it has no words", () =>
    Effect.gen(function* () {
      const { url } = yield* refusing("503 Service Unavailable", { "retry-after": "1" }, '{"error":"starting"}')
      const { code, err } = yield* run("status", "--url", url)
      assert.deepStrictEqual(
        [code, err],
        [5, `lzstock: ${url} takes no connection now: HTTP 503 starting: try again in 1 s\n`]
      )
    }).pipe(Effect.scoped)
  )

  it.live("by something else is told as that", () =>
    Effect.gen(function* () {
      const { url } = yield* refusing("502 Bad Gateway", { "content-type": "text/html" }, "<html>nginx</html>")
      const { code, err } = yield* run("status", "--url", url)
      assert.deepStrictEqual([code, err], [3, `lzstock: cannot connect to ${url}: HTTP 502 Bad Gateway\n`])
    }).pipe(Effect.scoped)
  )
})

/** Takes the token, and leaves the ticket unanswered. */
const admit = Effect.fnUntraced(function* ({ lines, say }: BareConnection) {
  const { id } = yield* Queue.take(lines)
  say({
    _tag: "Exit",
    requestId: id,
    exit: { _tag: "Success", value: { investor: "ada", access: "read", expiresAt: null } }
  })
  for (;;) {
    const asked = yield* Queue.take(lines)
    if (asked.tag === "market.Watch") return asked.id
  }
})

describe("a watch whose token ends", () => {
  const revoked = endingTexts["token-revoked"]
  const another = `wants to know who asks: set LZSTOCK_TOKEN to a token of yours, made on its account page (${revoked})`

  it.live.each([
    ["for people", [], revoked, ` ${another}`],
    ["for programs", ["--json"], revoked, ` ${another}`],
    // no other token would help
    ["with its account", [], endingTexts["account-deleted"], `: ${endingTexts["account-deleted"]}`],
    ["by a ban", [], endingTexts.banned, `: ${endingTexts.banned}`]
  ] as const)("%s says why, once, and ends with 6", ([, flags, reason, told]) =>
    Effect.gen(function* () {
      const server = yield* makeBareWebSocketServer
      const running = yield* Effect.forkChild(run("watch", "AAPL", ...flags, "--url", server.url))
      const connection = yield* server.next
      const id = yield* admit(connection)
      connection.say({ _tag: "Chunk", requestId: id, values: [watching(["AAPL"])] })
      connection.socket.close(CloseCode.SignedOut, reason)
      const { code, err, out } = yield* Fiber.join(running)
      assert.strictEqual(code, 6)
      assert.strictEqual(err, `lzstock: ${server.url}${told}\n`)
      const tags = out.match(/"_tag":"(Disconnected|WatchRefused|NotSignedIn)"/g)
      assert.strictEqual(tags?.length, flags.length === 0 ? undefined : 3)
    }).pipe(Effect.scoped)
  )
})
