/** The runners' own transport, as Effect Cluster asks for it: its RPC over sockets, and those over NATS (src/app/nats). */
import { Effect, Layer, Option, Schedule } from "effect"
import { Runners, ShardingConfig } from "effect/cluster"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Socket, type SocketServer } from "effect/socket"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import type { Nats } from "../nats/NatsConnection.ts"
import * as NatsSocket from "../nats/NatsSocket.ts"
import { runnerSubject } from "./RunnerLiveness.ts"

/** While it cannot be reached a runner is dialled again, and calls to it fail at once and are sent anew by Sharding. */
const redial = Schedule.min([Schedule.exponential(50, 1.5), Schedule.spaced(1000)])

/** A connection to each runner that is called, kept while it is used. */
export const layerClientProtocol = (
  prefix: string
): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization | Nats | Gauges> =>
  Layer.effect(
    Runners.RpcClientProtocol,
    Effect.gen(function* () {
      const serialization = yield* RpcSerialization.RpcSerialization
      const context = yield* Effect.context<Nats | Gauges>()
      return {
        codecFor: serialization.codecFor,
        make: Effect.fnUntraced(function* (address) {
          const socket = yield* NatsSocket.dial(runnerSubject(prefix, address)).pipe(Effect.provideContext(context))
          return yield* RpcClient.makeProtocolSocket({
            retryPolicy: redial,
            // the link itself sees to it that the other end is there, also while a slow reader holds up RPC's own pongs
            pingInterval: "30 seconds",
            pingTimeout: "2 minutes"
          }).pipe(
            Effect.provideService(Socket.Socket, socket),
            Effect.provideService(RpcSerialization.RpcSerialization, serialization)
          )
        })
      }
    })
  )

/** Where this runner is called. */
export const layerSocketServer = (
  prefix: string
): Layer.Layer<SocketServer.SocketServer, never, ShardingConfig.ShardingConfig | Nats | Gauges> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { runnerAddress } = yield* ShardingConfig.ShardingConfig
      if (Option.isNone(runnerAddress)) return yield* Effect.die("a runner without an address")
      return NatsSocket.layerServer(runnerSubject(prefix, runnerAddress.value))
    })
  )
