/**
 * A thousand sessions on two gateways watch the same symbols: NATS carries each update once per gateway, whoever watches there.
 * The feed stands still at both ends of what is counted, so that every count is exact: nats-server's own, the gateways', and
 * the sessions'.
 */
import { isDeepStrictEqual } from "node:util"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, type Scope } from "effect"
import { expect, it } from "vitest"
import { subjectsOf } from "../../src/app/nats/subjects.ts"
import { quotesTopic, TICK_SHARDS } from "../../src/rpc/topics.ts"
import { eventually } from "../support/cluster.ts"
import {
  connectionName,
  connectTo,
  listedAt,
  type MonitoredCluster,
  metricsOf,
  monitoredCluster
} from "../support/monitoredNats.ts"
import { type Position, QuoteSession } from "../support/quoteSession.ts"

/** On each gateway. */
const SESSIONS = 500
const SYMBOLS = 8
/** Updates of each symbol that are counted, at least. */
const UPDATES = 12
const OBSERVER = "observer"

const gauges = {
  sessions_active: SESSIONS,
  'actors_active{kind="session"}': SESSIONS,
  watches_active: SESSIONS,
  watched_slots_active: SESSIONS * SYMBOLS,
  watched_symbols_active: SYMBOLS,
  topic_subscriptions_active: SYMBOLS
}

const isSame = (one: Position | undefined, other: Position | undefined) =>
  one !== undefined && one.epoch === other?.epoch && one.seq === other.seq

/** Listens to quotes as a gateway would, with one subscription a symbol: what was published, in order. */
const observe = Effect.fnUntraced(function* ({ nats, prefix }: MonitoredCluster, symbols: ReadonlyArray<string>) {
  const connection = yield* connectTo(nats.natsUrl, OBSERVER)
  const published = symbols.map((symbol) => {
    const { codec, name } = quotesTopic(symbol)
    const positions: Array<Position> = []
    connection.subscribe(`${prefix}.${name}`, {
      callback: (_, { data }) => {
        const { epoch, seq } = codec.decode(data)
        positions.push({ epoch, seq })
      }
    })
    return positions
  })
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  /** Every shard is being read, and there is nothing more in it. */
  const isStreamRead = async () => {
    let readers = 0
    for await (const { num_pending, num_waiting } of manager.consumers.list(subjectsOf(prefix).tickStream)) {
      // one that nobody asks was a former owner's
      if (num_waiting > 0 && num_pending === 0) readers++
    }
    return readers === TICK_SHARDS
  }
  return { published, isStreamRead }
})

/** The cluster, its observer and, once they have every symbol, its sessions. */
const crowd = Effect.gen(function* () {
  const cluster = yield* monitoredCluster({
    gateways: 2,
    markets: 2,
    nodeOptions: [
      ...["--symbols", String(SYMBOLS), "--rate", "0.1", "--date", "2026-03-06", "--start", "10:30"],
      // a feed that stands still for a while is not given to another node
      ...["--lock-seconds", "300"]
    ]
  })
  const symbols = yield* Effect.promise(() => listedAt(cluster.url))
  const observer = yield* observe(cluster, symbols)
  const gateways = cluster.nodes.filter(({ role }) => role === "gateway")
  const sessions = yield* Effect.acquireRelease(
    Effect.sync(() =>
      gateways.map(({ url }) => Array.from({ length: SESSIONS }, () => new QuoteSession(url, symbols)))
    ),
    (open) =>
      Effect.sync(() => {
        for (const session of open.flat()) session.reset()
      })
  )
  const everyone = sessions.flat()
  yield* Effect.promise(() =>
    eventually("every session has every symbol", () =>
      everyone.every(({ newest, refusals }) => newest.size === symbols.length || refusals.length > 0)
    )
  )
  expect(everyone.flatMap(({ refusals }) => refusals)).toEqual([])
  return { cluster, ...observer, gateways, sessions, everyone, symbols }
})
type Crowd = typeof crowd extends Effect.Effect<infer A, never, Scope.Scope> ? A : never

/** Messages of quotes that nats-server sent to a connection, by symbol; −1 for what it does not subscribe to. */
const sentTo = async ({ cluster: { nats, prefix }, symbols }: Crowd, name: string): Promise<ReadonlyArray<number>> => {
  const own = (await nats.subscriptions()).filter(({ connection }) => connection === name)
  return symbols.map((symbol) => {
    const found = own.filter(({ subject }) => subject === `${prefix}.${quotesTopic(symbol).name}`)
    if (found.length > 1) throw new Error(`${name} subscribes ${found.length} times to ${symbol}`)
    return found[0]?.messages ?? -1
  })
}

/** All there is to count, now. */
const look = async (crowd: Crowd) => {
  const gatewayNames = crowd.gateways.map((node) => connectionName(crowd.cluster, node))
  const metrics = await Promise.all(crowd.gateways.map(({ url }) => metricsOf(url)))
  return {
    published: crowd.published.map(({ length }) => length),
    sent: await Promise.all(gatewayNames.map((name) => sentTo(crowd, name))),
    observed: await sentTo(crowd, OBSERVER),
    delivered: metrics.map((of) => of("updates_delivered_total"))
  }
}
type Look = Awaited<ReturnType<typeof look>>

/** Stops the feed once each symbol has had so many updates more, and waits until nothing is on its way to anybody. */
const stop = async (crowd: Crowd, updates: number): Promise<Look> => {
  const { cluster, everyone, isStreamRead, published, symbols } = crowd
  const from = published.map(({ length }) => length)
  await eventually("every symbol moves", () => published.every(({ length }, i) => length >= (from[i] ?? 0) + updates))
  await cluster.nodes.find(({ role }) => role === "workers")?.pause()
  const markets = cluster.nodes.filter(({ role }) => role === "market")
  const isEverybodyThere = () =>
    everyone.every(({ newest }) => symbols.every((symbol, i) => isSame(newest.get(symbol), published[i]?.at(-1))))
  let seen = await look(crowd)
  await eventually("every session stands at the last update published", async () => {
    if (!(await isStreamRead()) || !isEverybodyThere()) return false
    // whoever still folds has done so when it answers
    await Promise.all(markets.map(({ url }) => metricsOf(url)))
    const before = seen
    seen = await look(crowd)
    return isDeepStrictEqual(seen, before) && isDeepStrictEqual(seen.observed, seen.published) && isEverybodyThere()
  })
  return seen
}

/**
 * Holds what a session was told of a symbol against what was published: nothing else, nothing twice, and as many ticks folded as
 * it was told. Returns how many updates came within others.
 */
const foldedFor = (session: QuoteSession, symbol: string, published: ReadonlyArray<Position>, from: number) => {
  let at = from - 1
  let folded = 0
  for (const update of session.delivered) {
    if (update.symbol !== symbol) continue
    const next = published.findIndex((position, index) => index > at && isSame(position, update))
    if (next < 0) throw new Error(`${symbol}: ${update.epoch}/${update.seq} was never published, or came twice`)
    expect(update.seq).toBe((published[at]?.seq ?? 0) + update.folded + 1)
    folded += next - at - 1
    at = next
  }
  expect(at).toBe(published.length - 1)
  return folded
}

const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
const minus = (after: ReadonlyArray<number>, before: ReadonlyArray<number> = []) =>
  after.map((value, i) => value - (before[i] ?? 0))

it(
  "NATS carries each update once per gateway, however many sessions watch; when they have left nothing is open",
  () =>
    Effect.gen(function* () {
      const all = yield* crowd
      const { cluster, everyone, gateways, published, sessions, symbols } = all
      const metricsOfAll = () => Promise.all(gateways.map(({ url }) => metricsOf(url)))
      yield* Effect.promise(async () => {
        for (const metrics of await metricsOfAll()) {
          expect(Object.fromEntries(Object.keys(gauges).map((name) => [name, metrics(name)]))).toEqual(gauges)
        }

        const start = await stop(all, 1)
        for (const session of everyone) session.forget()
        cluster.nodes.find(({ role }) => role === "workers")?.resume()
        const end = await stop(all, UPDATES)

        const counted = minus(end.published, start.published)
        for (const [gateway, own] of sessions.entries()) {
          expect(minus(end.sent[gateway] ?? [], start.sent[gateway])).toEqual(counted)

          const delivered = sum(own.map((session) => session.delivered.length))
          expect((end.delivered[gateway] ?? 0) - (start.delivered[gateway] ?? 0)).toBe(delivered)
          const folded = own.flatMap((session) =>
            symbols.map((symbol, i) => foldedFor(session, symbol, published[i] ?? [], start.published[i] ?? 0))
          )
          expect(delivered + sum(folded)).toBe(SESSIONS * sum(counted))
          expect(delivered).toBeGreaterThan(sum(counted))
          expect([...new Set(own.flatMap(({ gaps }) => gaps))]).toEqual([])
        }

        for (const [i, session] of everyone.entries()) {
          if (i % 2 === 0) session.close()
          else session.reset()
        }
        await eventually("all sockets are gone", () => everyone.every(({ isGone }) => isGone))
        await eventually("every gauge is 0 on both gateways", async () =>
          (await metricsOfAll()).every((metrics) => Object.keys(gauges).every((name) => metrics(name) === 0))
        )
        await eventually("no gateway subscribes to quotes", async () =>
          (await look(all)).sent.flat().every((messages) => messages === -1)
        )
        for (const metrics of await metricsOfAll()) {
          expect(metrics("session_failures_total")).toBe(0)
          expect(metrics("hub_feeder_failures_total")).toBe(0)
        }
      })
    }).pipe(Effect.scoped, Effect.runPromise),
  180_000
)
