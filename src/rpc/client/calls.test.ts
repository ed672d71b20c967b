/** Calls that are never sent twice, against a scripted server that does not answer them. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Queue } from "effect"
import {
  type BareConnection,
  type BareRequest,
  makeBareWebSocketServer
} from "../../../test/support/BareWebSocketServer.ts"
import { LZStockClient } from "../client.ts"

/** What `createToken` fails with, and how often it was asked, when its first request meets this. */
const askedOnce = Effect.fnUntraced(function* (
  meets: (connection: BareConnection, requestId: BareRequest["id"]) => void
) {
  const server = yield* makeBareWebSocketServer
  const client = yield* LZStockClient.make({ url: server.url })
  const asked = yield* Effect.forkChild(
    Effect.flip(client.account.createToken({ name: "mine", access: "read", days: 1 })),
    { startImmediately: true }
  )
  const connection = yield* server.next
  const { id, tag } = yield* Queue.take(connection.lines)
  expect(tag).toBe("investors.CreateToken")
  meets(connection, id)
  const error = yield* Fiber.join(asked)
  expect(Queue.sizeUnsafe(connection.lines)).toBe(0)
  return error
})

describe("a call that is sent once", () => {
  it.effect("and that the server gives up without saying why fails in words", () =>
    Effect.gen(function* () {
      const error = yield* askedOnce((connection, requestId) =>
        connection.say({
          _tag: "Exit",
          requestId,
          exit: { _tag: "Failure", cause: [{ _tag: "Interrupt", fiberId: 1 }] }
        })
      )
      expect(error).toMatchObject({
        _tag: "ServerFailed",
        call: "investors.CreateToken",
        message: "investors.CreateToken: the server gave up before the answer"
      })
    }).pipe(Effect.scoped)
  )

  it.effect("fails when its connection breaks, and is not sent again", () =>
    Effect.gen(function* () {
      const error = yield* askedOnce(({ socket }) => socket.terminate())
      expect(error).toMatchObject({
        _tag: "ServerFailed",
        message: "investors.CreateToken: the connection broke before the answer"
      })
    }).pipe(Effect.scoped)
  )

  it.effect("fails with what the server died of", () =>
    Effect.gen(function* () {
      const error = yield* askedOnce((connection, requestId) =>
        connection.say({
          _tag: "Exit",
          requestId,
          exit: { _tag: "Failure", cause: [{ _tag: "Die", defect: "out of tokens" }] }
        })
      )
      expect(error).toMatchObject({ _tag: "ServerFailed", message: "out of tokens" })
    }).pipe(Effect.scoped)
  )
})
