/**
 * What the cluster's runners need of a transport, whatever it is: a function of its layer, run over NATS and, to know that
 * it asks nothing special, over TCP and in one process.
 */
import { assert, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Queue, Schedule, Schema, Scope, Stream } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { Socket, SocketServer } from "effect/socket"
import { describe } from "vitest"
import { Gauges } from "../../actors/kernel/Gauges.ts"

/** Each yields a Socket that connects to the SocketServer of the same layer. */
export class Dial extends Context.Service<Dial, { readonly dial: Effect.Effect<Socket.Socket> }>()(
  "lzstock/app/nats/transport.suite/Dial"
) {}

const Calls = RpcGroup.make(
  Rpc.make("Echo", { payload: { bytes: Schema.Uint8Array }, success: Schema.Uint8Array }),
  Rpc.make("Count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true }),
  // does not end, and says when it has begun and been told to stop
  Rpc.make("Hang", { success: Schema.Int, stream: true })
)

interface Seen {
  readonly hanging: Queue.Queue<"begun" | "stopped">
}

const handlers = (seen: Seen) =>
  Calls.toLayer({
    Echo: ({ bytes }) => Effect.succeed(bytes),
    Count: ({ to }) => Stream.range(1, to),
    Hang: () =>
      Stream.unwrap(
        Effect.acquireRelease(Queue.offer(seen.hanging, "begun"), () => Queue.offer(seen.hanging, "stopped")).pipe(
          Effect.as(Stream.concat(Stream.make(1), Stream.never))
        )
      )
  })

/** Serves the calls until the Scope closes. */
const serve = Effect.gen(function* () {
  const seen: Seen = { hanging: yield* Queue.unbounded<"begun" | "stopped">() }
  const server = yield* SocketServer.SocketServer
  yield* Layer.build(
    RpcServer.layer(Calls, { disableTracing: true }).pipe(
      Layer.provide(handlers(seen)),
      Layer.provide(RpcServer.layerProtocolSocketServer),
      Layer.provide([RpcSerialization.layerSchemaBinary(), Layer.succeed(SocketServer.SocketServer, server)])
    )
  )
  return seen
})

/** A client of them with a connection of its own, until the Scope closes. */
const client = Effect.gen(function* () {
  const { dial } = yield* Dial
  const protocol = yield* RpcClient.makeProtocolSocket({ retryPolicy: Schedule.spaced(20) }).pipe(
    Effect.provideService(Socket.Socket, yield* dial),
    Effect.provide(RpcSerialization.layerSchemaBinary())
  )
  const calls = yield* RpcClient.make(Calls, { disableTracing: true }).pipe(
    Effect.provideService(RpcClient.Protocol, protocol)
  )
  // the server listens soon after it was built
  yield* calls.Echo({ bytes: new Uint8Array(1) }).pipe(Effect.retry(Schedule.spaced(20)))
  return calls
})

export const eventually = (condition: () => boolean) =>
  Effect.sync(condition).pipe(Effect.repeat({ schedule: Schedule.spaced(10), until: (met) => met }), Effect.asVoid)

/** The value once it has stayed the same for a while. */
const settled = (value: () => number) => {
  let last = Number.NaN
  let same = 0
  return Effect.sync(() => {
    const now = value()
    same = now === last ? same + 1 : 0
    last = now
    return now
  }).pipe(Effect.repeat({ schedule: Schedule.spaced(20), until: () => same >= 5 }))
}

const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255)

const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0

/** Whether `chunk` is what `frame`, one after the other, holds from `offset` on, however it was cut. */
const isRepeated = (frame: Uint8Array, offset: number, chunk: Uint8Array): boolean => {
  for (let done = 0; done < chunk.length; ) {
    const from = (offset + done) % frame.length
    const length = Math.min(frame.length - from, chunk.length - done)
    if (!same(frame.subarray(from, from + length), chunk.subarray(done, done + length))) return false
    done += length
  }
  return true
}

export interface TransportSuite<E> {
  readonly name: string
  /** Everything afresh for each test. */
  readonly layer: Layer.Layer<SocketServer.SocketServer | Dial | Gauges, E>
  /** More than may be on its way to a reader that does not read, in bytes. */
  readonly bound: number
}

export const transportSuite = <E>({ bound, layer, name }: TransportSuite<E>) => {
  describe(`transport: ${name}`, () => {
    const test = (
      title: string,
      body: () => Effect.Effect<void, unknown, SocketServer.SocketServer | Dial | Gauges | Scope.Scope>
    ) => it.live(title, () => body().pipe(Effect.scoped, Effect.provide(layer)))

    test("carries calls and their answers", () =>
      Effect.gen(function* () {
        yield* serve
        const calls = yield* client
        const bytes = pattern(1000)
        assert.isTrue(same(yield* calls.Echo({ bytes }), bytes))
      }))

    test("carries a stream whole and in order", () =>
      Effect.gen(function* () {
        yield* serve
        const calls = yield* client
        const items = yield* Stream.runCollect(calls.Count({ to: 2000 }))
        assert.deepEqual(
          items,
          Array.from({ length: 2000 }, (_, index) => index + 1)
        )
      }))

    test("carries 3 MB either way, whole", () =>
      Effect.gen(function* () {
        yield* serve
        const calls = yield* client
        const bytes = pattern(3 * 1024 * 1024)
        const echoed = yield* Effect.all([calls.Echo({ bytes }), calls.Echo({ bytes })], { concurrency: 2 })
        assert.isTrue(echoed.every((each) => same(each, bytes)))
      }))

    test("carries many calls at once, over many connections", () =>
      Effect.gen(function* () {
        yield* serve
        const clients = yield* Effect.all(
          Array.from({ length: 10 }, () => client),
          { concurrency: "unbounded" }
        )
        const answers = yield* Effect.forEach(
          Array.from({ length: 500 }, (_, index) => index),
          (index) => {
            const bytes = pattern(index + 1)
            const calls = clients[index % clients.length]
            return calls === undefined
              ? Effect.succeed(false)
              : Effect.map(calls.Echo({ bytes }), (echoed) => same(echoed, bytes))
          },
          { concurrency: "unbounded" }
        )
        assert.isTrue(answers.every((right) => right))
      }))

    test("tells the server's finaliser that a caller has left", () =>
      Effect.gen(function* () {
        const seen = yield* serve
        const calls = yield* client
        const watching = yield* Effect.forkScoped(Stream.runDrain(calls.Hang()))
        assert.strictEqual(yield* Queue.take(seen.hanging), "begun")
        yield* Fiber.interrupt(watching)
        assert.strictEqual(yield* Queue.take(seen.hanging), "stopped")
        // the connection is none the worse for it
        assert.strictEqual((yield* calls.Echo({ bytes: pattern(5) })).length, 5)
      }))

    test("tells the server that a whole connection has left", () =>
      Effect.gen(function* () {
        const seen = yield* serve
        const scope = yield* Scope.make()
        const calls = yield* Scope.provide(client, scope)
        yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(calls.Hang())))
        assert.strictEqual(yield* Queue.take(seen.hanging), "begun")
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* Queue.take(seen.hanging), "stopped")
      }))

    test("fails what is open when the server's Scope closes, and reaches the next server", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const seen = yield* Scope.provide(serve, scope)
        const calls = yield* client
        const watching = yield* Effect.forkScoped(Effect.exit(Stream.runDrain(calls.Hang())))
        assert.strictEqual(yield* Queue.take(seen.hanging), "begun")
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Exit.isFailure(yield* Fiber.join(watching)))

        yield* serve
        const bytes = pattern(7)
        assert.isTrue(same(yield* calls.Echo({ bytes }).pipe(Effect.retry(Schedule.spaced(20))), bytes))
      }))

    test("makes a writer wait for its reader, and loses nothing by it", () =>
      Effect.gen(function* () {
        const server = yield* SocketServer.SocketServer
        const { dial } = yield* Dial
        const frame = pattern(64 * 1024)
        const frames = Math.ceil((bound * 3) / frame.length)
        let written = 0
        yield* Effect.forkScoped(
          server.run((socket) =>
            Effect.gen(function* () {
              const writer = yield* socket.writer
              const { pull } = yield* socket.reader
              // the dialler's first word: it is there
              yield* pull
              for (let n = 0; n < frames; n++) {
                yield* writer.write(frame)
                written += frame.length
              }
              return yield* Effect.never
            }).pipe(Effect.scoped)
          )
        )
        const socket = yield* dial
        const { pull } = yield* socket.reader.pipe(Effect.retry(Schedule.spaced(20)))
        const writer = yield* socket.writer
        yield* writer.write(new Uint8Array(1))
        let read = 0
        for (let pulls = 0; read < frames * frame.length; pulls++) {
          // for some time the reader does nothing: the writer must come to a stand
          if (pulls < 4) assert.isBelow((yield* settled(() => written)) - read, bound)
          for (const chunk of yield* pull) {
            if (typeof chunk === "string") return assert.fail("text for bytes")
            if (!isRepeated(frame, read, chunk)) return assert.fail(`other bytes after ${read}`)
            read += chunk.length
          }
        }
        assert.strictEqual(read, written)
      }))

    test("leaves nothing open", () =>
      Effect.gen(function* () {
        const server = yield* SocketServer.SocketServer
        const { dial } = yield* Dial
        const gauges = yield* Gauges
        let open = 0
        const all = yield* Deferred.make<void>()
        yield* Effect.forkScoped(
          server.run((socket) =>
            Effect.gen(function* () {
              const { pull } = yield* socket.reader
              open++
              if (open === 20) yield* Deferred.succeed(all, undefined)
              yield* Effect.addFinalizer(() => Effect.sync(() => open--))
              return yield* Effect.forever(pull)
            }).pipe(Effect.scoped, Effect.ignore)
          )
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            for (let n = 0; n < 20; n++) yield* (yield* dial).reader.pipe(Effect.retry(Schedule.spaced(20)))
            yield* Deferred.await(all)
          })
        )
        yield* eventually(() => open === 0 && gauges.get("nats_links_active") === 0)
      }))
  })
}
