/** What market nodes that were killed leave behind in NATS: nothing that stays. */
import { type ConsumerInfo, jetstreamManager } from "@nats-io/jetstream"
import { nanos } from "@nats-io/transport-node"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { subjectsOf } from "../../src/app/nats/subjects.ts"
import { TICK_SHARDS } from "../../src/rpc/topics.ts"
import { eventually } from "../support/cluster.ts"
import { connectionName, connectTo, metricsOf, monitoredCluster } from "../support/monitoredNats.ts"

const KILLS = 5
const MINUTE = nanos(60_000)

it(
  "killed market nodes leave no subscriptions, and consumers that NATS removes by itself",
  () =>
    Effect.gen(function* () {
      const cluster = yield* monitoredCluster({
        gateways: 1,
        markets: 2,
        nodeOptions: ["--symbols", "6", "--rate", "0.2", "--date", "2026-03-06", "--start", "10:30"]
      })
      const { nats, nodes, prefix } = cluster
      const markets = nodes.filter(({ role }) => role === "market")
      const connection = yield* connectTo(nats.natsUrl, "observer")
      const { tickStream } = subjectsOf(prefix)

      yield* Effect.promise(async () => {
        const manager = await jetstreamManager(connection)
        const readers = async (): Promise<ReadonlyArray<ConsumerInfo>> => {
          const all: Array<ConsumerInfo> = []
          for await (const one of manager.consumers.list(tickStream)) all.push(one)
          return all
        }
        /** Subscriptions of the cluster's nodes, but for those of connections between two of them, made as they are wanted. */
        const subscriptions = async () => {
          const all = await nats.subscriptions()
          const links = await Promise.all(nodes.map(async ({ url }) => (await metricsOf(url))("nats_links_active")))
          return (
            all.filter(({ connection }) => connection.startsWith(`${prefix} `)).length - links.reduce((a, b) => a + b)
          )
        }
        const isServed = async () => {
          const owned = await Promise.all(markets.map(async ({ url }) => (await metricsOf(url))("tick_shards_active")))
          // one that asks for more is being read
          const asked = (await readers()).filter(({ num_waiting }) => num_waiting > 0)
          return owned.reduce((a, b) => a + b) === TICK_SHARDS && asked.length === TICK_SHARDS
        }
        const served = () => eventually("every shard is owned and read", isServed)

        await served()
        const before = await subscriptions()
        for (let i = 0; i < KILLS; i++) {
          const node = markets[i % markets.length]
          await node?.kill("SIGKILL")
          await node?.restart()
          await served()
        }
        await eventually("there are as many subscriptions as before", async () => (await subscriptions()) === before)
        const names = new Set(
          (await nats.subscriptions()).map(({ connection }) => connection).filter((name) => name.startsWith(prefix))
        )
        expect(names).toEqual(new Set(nodes.map((node) => connectionName(cluster, node))))

        const all = await readers()
        expect(all.length).toBeGreaterThan(TICK_SHARDS)
        expect(new Set(all.map(({ config }) => config.inactive_threshold))).toEqual(new Set([MINUTE]))
        // a minute made short: what is left by the dead goes, what is read stays
        for (const { config, name } of all) {
          await manager.consumers.update(tickStream, name, { ...config, inactive_threshold: nanos(100) })
        }
        await eventually("only the living read", async () => (await readers()).length === TICK_SHARDS)
      })
    }).pipe(Effect.scoped, Effect.runPromise),
  240_000
)
