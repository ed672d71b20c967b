import { NodeSocket, NodeSocketServer } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { SocketServer } from "effect/socket"
import { duplexPairs } from "../../../test/support/duplexPairs.ts"
import { freshPrefix, services } from "../../../test/support/services.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Nats } from "./NatsConnection.ts"
import * as NatsSocket from "./NatsSocket.ts"
import { Dial, transportSuite } from "./transport.suite.ts"

const MB = 1024 * 1024

/** One process's connection to the run's NATS. */
const connection = (name: string) =>
  Layer.unwrap(Effect.map(Effect.promise(services), ({ natsUrl }) => Nats.layer({ url: Redacted.make(natsUrl), name })))

const overNats = Layer.unwrap(
  Effect.sync(() => {
    const subject = freshPrefix("transport")
    // two connections, as of two processes
    const server = NatsSocket.layerServer(subject).pipe(Layer.provide(Layer.fresh(connection("server"))))
    const dialler = Layer.effect(
      Dial,
      Effect.gen(function* () {
        const context = yield* Effect.context<Nats | Gauges>()
        return { dial: NatsSocket.dial(subject).pipe(Effect.provideContext(context)) }
      })
    ).pipe(Layer.provide(Layer.fresh(connection("dialler"))))
    return Layer.mergeAll(server, dialler).pipe(Layer.provideMerge(Gauges.layer))
  })
)

const overTcp = Layer.effect(
  Dial,
  Effect.gen(function* () {
    const { address } = yield* SocketServer.SocketServer
    if (address._tag === "UnixPathAddress") return yield* Effect.die("not a port")
    return { dial: NodeSocket.makeNet({ host: "127.0.0.1", port: address.port, noDelay: true }) }
  })
).pipe(
  Layer.provideMerge(NodeSocketServer.layer({ host: "127.0.0.1", port: 0, noDelay: true })),
  Layer.provideMerge(Gauges.layer)
)

const inProcess = Layer.unwrap(
  Effect.map(duplexPairs, ({ dial, server }) =>
    Layer.mergeAll(Layer.succeed(SocketServer.SocketServer, server), Layer.succeed(Dial, { dial }), Gauges.layer)
  )
)

transportSuite({ name: "NATS", layer: overNats, bound: 2 * MB })
transportSuite({ name: "TCP", layer: overTcp, bound: 32 * MB })
transportSuite({ name: "in process", layer: inProcess, bound: 4 * MB })
