/** A SocketServer and its diallers in one process, over Node's pairs of streams. */
import { duplexPair } from "node:stream"
import { NodeSocket } from "@effect/platform-node"
import { Effect, Queue } from "effect"
import { NetAddress } from "effect/net"
import { type Socket, SocketServer } from "effect/socket"

export const duplexPairs = Effect.gen(function* () {
  const dialled = yield* Queue.unbounded<Socket.Socket>()
  const dial: Effect.Effect<Socket.Socket> = NodeSocket.fromDuplex(
    Effect.acquireRelease(
      Effect.gen(function* () {
        const [own, other] = duplexPair()
        const served = yield* NodeSocket.fromDuplex(
          Effect.acquireRelease(Effect.succeed(other), (stream) => Effect.sync(() => stream.destroy()))
        )
        // a pair has no wire: the end of one is told to the other by hand
        own.once("close", () => other.destroy())
        other.once("close", () => own.destroy())
        yield* Queue.offer(dialled, served)
        return own
      }),
      (stream) => Effect.sync(() => stream.destroy())
    )
  )
  const server = SocketServer.SocketServer.of({
    address: NetAddress.unixPathAddress("in-process"),
    run: (handler) =>
      Effect.scoped(
        Effect.forever(
          Effect.flatMap(Queue.take(dialled), (socket) => Effect.forkScoped(Effect.ignoreCause(handler(socket))))
        )
      )
  })
  return { dial, server }
})
