/** What only a connection over NATS can suffer: garbage on its subjects, ends that vanish or freeze, NATS itself going away. */
import { randomBytes } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Exit, Fiber, Latch, Layer, Redacted, Schedule, type Scope } from "effect"
import type { Socket, SocketServer } from "effect/socket"
import { describe } from "vitest"
import { freshPrefix, ownServices, services } from "../../../test/support/services.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Nats } from "./NatsConnection.ts"
import * as NatsSocket from "./NatsSocket.ts"
import { encodeCredit, encodeData, encodeEnd, HEADER_BYTES } from "./NatsSocketFrames.ts"
import { eventually } from "./transport.suite.ts"

const nats = (url: string, name: string) => Layer.build(Nats.layer({ url: Redacted.make(url), name }))

/** A stranger on the same NATS, who may publish and hear everything. */
const stranger = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url.replace("nats://", "") })),
    (connection) => Effect.promise(() => connection.close())
  )

/** Echoes what it is sent, until the Scope closes. */
const echoing = (server: SocketServer.SocketServer["Service"]) =>
  Effect.forkScoped(
    server.run((socket) =>
      Effect.gen(function* () {
        const { pull } = yield* socket.reader
        const writer = yield* socket.writer
        return yield* Effect.forever(Effect.flatMap(pull, (chunks) => writer.writeAll(chunks)))
      }).pipe(Effect.scoped)
    )
  )

interface Connected {
  readonly pull: Socket.Reader["pull"]
  readonly echo: (text: string) => Effect.Effect<string, Socket.SocketError>
}

const open = (socket: Socket.Socket): Effect.Effect<Connected, Socket.SocketError, Scope.Scope> =>
  Effect.gen(function* () {
    const { pull } = yield* socket.reader.pipe(Effect.retry(Schedule.spaced(20)))
    const writer = yield* socket.writer
    const echo = Effect.fnUntraced(function* (text: string) {
      yield* writer.write(text)
      let answer = ""
      while (answer.length < text.length) for (const chunk of yield* pull) answer += Buffer.from(chunk).toString()
      return answer
    })
    return { pull, echo }
  })

const options = { keepAliveMillis: 50, silentMillis: 1000 }

/** An echoing server and diallers of it on connections of their own. */
const world = (url: string) =>
  Effect.gen(function* () {
    const gauges = yield* Gauges
    const subject = freshPrefix("faults")
    const served = yield* nats(url, "server")
    const server = yield* NatsSocket.makeServer(subject, options).pipe(Effect.provideContext(served))
    yield* echoing(server)
    const own = yield* nats(url, "dialler")
    const dial = NatsSocket.dial(subject, options).pipe(Effect.provideContext(own))
    return { gauges, subject, dial, served }
  })

const refused = (gauges: Gauges["Service"]) => gauges.get("nats_frames_refused_total")
const links = (gauges: Gauges["Service"]) => gauges.get("nats_links_active")

/** Every inbox of a link and the token that the other end puts on frames to it, as overheard. */
const overhear = (connection: NatsConnection) => {
  const tokens = new Map<string, number>()
  connection.subscribe("_INBOX.>", {
    callback: (_, message) => {
      // a ping: nothing else is as short
      if (message.data.length === HEADER_BYTES) {
        tokens.set(message.subject, Buffer.from(message.data).readUInt32BE(1))
      }
    }
  })
  return tokens
}

describe("connections over NATS", () => {
  it.live("garbage is counted and hurts nobody, or the one connection it is made for", () =>
    Effect.gen(function* () {
      // a NATS of its own: it would hear, and break, the connections of other tests
      const { natsUrl } = yield* ownServices(["nats"])
      const intruder = yield* stranger(natsUrl)
      const { dial, gauges, subject } = yield* world(natsUrl)
      const first = yield* open(yield* dial)
      const tokens = overhear(intruder)
      yield* Effect.promise(() => intruder.flush())
      const mine = () => [...tokens.keys()]
      yield* eventually(() => mine().length >= 2)
      const inboxes = mine()

      const inbox = createInbox()
      const dials = [
        new Uint8Array(0),
        ...Array.from({ length: 50 }, (_, index) => randomBytes(index + 1)),
        encodeEnd({ inbox: "ticks.>", token: 1, window: 65_536 }),
        encodeEnd({ inbox: `${inbox}\r\nPUB x 0\r\n`, token: 1, window: 65_536 }),
        encodeEnd({ inbox, token: 1, window: 3 })
      ]
      for (const bytes of dials) intruder.publish(`${subject}.dial`, bytes, { reply: createInbox() })
      yield* eventually(() => refused(gauges) >= dials.length)

      const before = refused(gauges)
      for (const target of inboxes) {
        for (let n = 0; n < 50; n++) intruder.publish(target, randomBytes(n))
        intruder.publish(target, randomBytes(100_000))
      }
      yield* eventually(() => refused(gauges) >= before + 51)
      assert.strictEqual(yield* first.echo("still here"), "still here")

      // made for one: it carries that end's token. The first end alone suffers.
      const second = yield* open(yield* dial)
      const others = () => mine().filter((each) => !inboxes.includes(each))
      yield* eventually(() => others().length >= 2)
      const target = others()[0] ?? ""
      intruder.publish(target, encodeData(tokens.get(target) ?? 0, 77, new Uint8Array(10)))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.forever(second.pull))))
      assert.strictEqual(yield* first.echo("and I am too"), "and I am too")

      const third = yield* open(yield* dial)
      yield* eventually(() => mine().length >= 6)
      const last = mine().at(-1) ?? ""
      // more than was ever sent and a window: would take the bound off the memory of the other end
      intruder.publish(last, encodeCredit(tokens.get(last) ?? 0, 1e12))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.forever(third.pull))))
      assert.strictEqual(yield* first.echo("me again"), "me again")
      assert.strictEqual(yield* (yield* open(yield* dial)).echo("and the next"), "and the next")
    }).pipe(Effect.scoped, Effect.provide(Gauges.layer))
  )

  it.live("a dialler that never was, or that says nothing more, leaves nothing open", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const intruder = yield* stranger(natsUrl)
      const { dial, gauges, subject } = yield* world(natsUrl)
      yield* Effect.scoped(Effect.flatMap(dial, open))
      yield* eventually(() => links(gauges) === 0)

      const answers: Array<string> = []
      const reply = createInbox()
      intruder.subscribe(reply, { callback: (_, message) => void answers.push(message.subject) })
      // nobody listens to its inbox: nats-server tells
      intruder.publish(`${subject}.dial`, encodeEnd({ inbox: createInbox(), token: 1, window: 65_536 }), { reply })
      yield* eventually(() => answers.length === 1 && links(gauges) === 0)
      // somebody does, and is frozen
      const inbox = createInbox()
      const told: Array<number | undefined> = []
      intruder.subscribe(inbox, { callback: (_, message) => void told.push(message.data[0]) })
      intruder.publish(`${subject}.dial`, encodeEnd({ inbox, token: 1, window: 65_536 }), { reply })
      yield* eventually(() => answers.length === 2 && links(gauges) === 0)
      // it was told of the end
      yield* eventually(() => told.includes(1))
    }).pipe(Effect.scoped, Effect.provide(Gauges.layer))
  )

  it.live("an end whose process is gone is noticed by the other although it is idle", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const { dial, gauges, served } = yield* world(natsUrl)
      const { echo, pull } = yield* open(yield* dial)
      assert.strictEqual(yield* echo("there"), "there")
      // as kill -9 does: not a word more
      yield* Effect.promise(() =>
        Nats.pipe(Effect.provideContext(served), Effect.runPromise).then((own) => own.connection.close())
      )
      const exit = yield* Effect.exit(pull)
      assert.include(String(exit), "gone")
      yield* eventually(() => links(gauges) === 0)
      const again = yield* Effect.exit(Effect.scoped((yield* dial).reader))
      assert.isTrue(Exit.isFailure(again))
    }).pipe(Effect.scoped, Effect.provide(Gauges.layer))
  )

  it.live("a write given up in the middle still arrives whole, before the next", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const subject = freshPrefix("faults")
      const server = yield* NatsSocket.makeServer(subject, { windowBytes: 64 * 1024 }).pipe(
        Effect.provideContext(yield* nats(natsUrl, "server"))
      )
      const received: Array<Uint8Array> = []
      const reading = yield* Latch.make(false)
      yield* Effect.forkScoped(
        server.run((socket) =>
          Effect.gen(function* () {
            const { pull } = yield* socket.reader
            yield* reading.await
            while (true) for (const chunk of yield* pull) received.push(Buffer.from(chunk))
          }).pipe(Effect.scoped)
        )
      )
      const socket = yield* NatsSocket.dial(subject).pipe(Effect.provideContext(yield* nats(natsUrl, "dialler")))
      yield* socket.reader.pipe(Effect.retry(Schedule.spaced(20)))
      const writer = yield* socket.writer
      const large = new Uint8Array(1024 * 1024).fill(1)
      const writing = yield* Effect.forkScoped(writer.write(large), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(writing.pollUnsafe(), "it waits for the reader")
      const never = yield* Effect.forkScoped(writer.write(new Uint8Array(10).fill(9)), { startImmediately: true })
      yield* Fiber.interrupt(writing)
      yield* Fiber.interrupt(never)
      yield* reading.open
      yield* writer.write(Uint8Array.of(2))
      yield* eventually(() => received.reduce((sum, { length }) => sum + length, 0) > large.length)
      assert.isTrue(Buffer.concat([large, Uint8Array.of(2)]).equals(Buffer.concat(received)))
    }).pipe(Effect.scoped, Effect.provide(Gauges.layer))
  )

  it.live("NATS killed: connections fail, dials fail; NATS again: dials succeed", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const { dial, gauges } = yield* world(own.natsUrl)
      const { echo, pull } = yield* open(yield* dial)
      assert.strictEqual(yield* echo("before"), "before")
      yield* own.control("nats", "kill")
      assert.include(String(yield* Effect.exit(pull)), "broke")
      yield* eventually(() => links(gauges) === 0)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.scoped((yield* dial).reader))))
      yield* own.control("nats", "start")
      assert.strictEqual(yield* (yield* open(yield* dial)).echo("after"), "after")
    }).pipe(Effect.scoped, Effect.provide(Gauges.layer))
  )
})
