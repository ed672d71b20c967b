/** A process that answers calls of an entity, makes them, or both; or the same over bare NATS requests. */
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Layer, Schema, Scope } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as ManyNodes from "../../src/app/cluster/ManyNodes.ts"
import * as SingleNode from "../../src/app/cluster/SingleNode.ts"
import { MARKET_SHARDS } from "../../src/rpc/topics.ts"
import { Histogram, type Percentiles } from "../support/Histogram.ts"
import { layerDatabase, layerNats, quiet, type Wires } from "../support/marketNode.ts"
import { answer } from "../support/processes.ts"
import { startVitals, type Vitals } from "../support/vitals.ts"

const Sum = Entity.make("Sum", [Rpc.make("Add", { payload: { amount: Schema.Int }, success: Schema.Int })]).annotate(
  ClusterSchema.ShardGroup,
  () => MARKET_SHARDS
)

/** One state an entity, changed by one call after the other. */
const sums = Sum.toLayer(
  Effect.sync(() => {
    let total = 0
    return Sum.of({
      Add: ({ payload }) =>
        Effect.sync(() => {
          total += payload.amount
          return total
        })
    })
  }),
  { disableFatalDefects: true, maxIdleTime: "10 minutes" }
)

const ENTITIES = 64
const ids = Array.from({ length: ENTITIES }, (_, index) => `sum-${index}`)

export interface Called {
  readonly calls: number
  readonly vitals: Vitals
  readonly latency: Percentiles
}

type Call = (id: string) => Promise<number>
type Calls = (calls: number, atOnce: number, latency: Histogram) => Promise<void>

let run: Calls | undefined
let endVitals: (() => Vitals) | undefined

const layerMany = (wires: Wires, databaseUrl: string, owns: boolean) => {
  const runner = owns ? { runner: { host: "bench", port: 1, groups: [MARKET_SHARDS] } } : {}
  return ManyNodes.layer({ prefix: wires.prefix, ...runner }).pipe(
    Layer.provideMerge(Layer.provideMerge(layerNats(wires, "calls"), layerDatabase(databaseUrl))),
    Layer.provideMerge(quiet),
    Layer.orDie
  )
}

/** Fibers that call one entity after the other, each waiting for its answer. */
const byClient = Effect.gen(function* () {
  const client = yield* Sum.client
  const runPromise = Effect.runPromiseWith(yield* Effect.context<never>())
  const calls: Calls = (total, atOnce, latency) => {
    let left = total
    const caller = Effect.fnUntraced(function* (first: number) {
      for (let at = first; left-- > 0; at += atOnce) {
        const asked = performance.now()
        yield* client(ids[at % ENTITIES] ?? "").Add({ amount: 1 })
        latency.record((performance.now() - asked) * 1_000)
      }
    })
    return runPromise(
      Effect.forEach(
        Array.from({ length: atOnce }, (_, index) => index),
        caller,
        {
          concurrency: "unbounded",
          discard: true
        }
      )
    )
  }
  return calls
})

const byRequest = (call: Call): Calls => {
  return async (total, atOnce, latency) => {
    let left = total
    const caller = async (first: number) => {
      for (let at = first; left-- > 0; at += atOnce) {
        const asked = performance.now()
        await call(ids[at % ENTITIES] ?? "")
        latency.record((performance.now() - asked) * 1_000)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, (_, index) => caller(index)))
  }
}

const open = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Scope.provide(effect, Scope.makeUnsafe()))

const callers = <E>(layer: Layer.Layer<Layer.Success<typeof SingleNode.layer>, E>) =>
  open(Effect.flatMap(Layer.build(layer), (context) => Effect.provideContext(byClient, context)))

const connection = ({ natsUrl }: Wires): Promise<NatsConnection> => connect({ servers: new URL(natsUrl).host })

interface Place {
  readonly wires: Wires
  readonly databaseUrl: string
}

const node = {
  openSingle: async (_: null): Promise<void> => {
    run = await callers(Layer.provideMerge(sums, Layer.provideMerge(SingleNode.layer, quiet)))
  },
  openOwner: async ({ databaseUrl, wires }: Place): Promise<void> => {
    run = await callers(Layer.provideMerge(sums, layerMany(wires, databaseUrl, true)))
  },
  openCaller: async ({ databaseUrl, wires }: Place): Promise<void> => {
    run = await callers(layerMany(wires, databaseUrl, false))
  },
  openBareOwner: async ({ wires }: Place): Promise<void> => {
    const nats = await connection(wires)
    const totals = new Map<string, number>()
    nats.subscribe(wires.prefix, {
      callback: (_, message) => {
        const { amount, id } = message.json<{ readonly amount: number; readonly id: string }>()
        const total = (totals.get(id) ?? 0) + amount
        totals.set(id, total)
        message.respond(JSON.stringify({ total }))
      }
    })
    await nats.flush()
  },
  openBareCaller: async ({ wires }: Place): Promise<void> => {
    const nats = await connection(wires)
    run = byRequest(async (id) => {
      const reply = await nats.request(wires.prefix, JSON.stringify({ id, amount: 1 }), { timeout: 5_000 })
      return reply.json<{ readonly total: number }>().total
    })
  },
  call: async ({ atOnce, calls }: { readonly calls: number; readonly atOnce: number }): Promise<Called> => {
    if (run === undefined) throw new Error("open first")
    const latency = new Histogram()
    const end = startVitals()
    await run(calls, atOnce, latency)
    return { calls, vitals: end(), latency: latency.percentiles() }
  },
  begin: (_: null) => {
    endVitals = startVitals()
  },
  end: (_: null): Vitals => {
    if (endVitals === undefined) throw new Error("begin first")
    return endVitals()
  }
}
export type CallNode = typeof node

answer(node)
