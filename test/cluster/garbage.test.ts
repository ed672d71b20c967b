/**
 * Garbage on every subject a running cluster listens to, as nats-server and its streams tell: it is parked or counted, nothing
 * stops, and who watches notices nothing.
 */
import { isDeepStrictEqual } from "node:util"
import { jetstreamManager } from "@nats-io/jetstream"
import { headers, type Msg, type NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { until } from "../../scripts/services/processes.mjs"
import { decodeSettled, settledText } from "../../src/app/nats/ticks/settled.ts"
import { decodeTickMessage } from "../../src/app/nats/ticks/tickMessage.ts"
import { eventCodec } from "../../src/rpc/topicCodecs.ts"
import {
  barsTopic,
  companiesChangedTopic,
  companySyncTopic,
  feedClockTopic,
  ownedShardsTopic,
  quotesTopic,
  revokedTopic,
  tickShard
} from "../../src/rpc/topics.ts"
import { eventually } from "../support/cluster.ts"
import { ClusterWatcher } from "../support/clusterWatcher.ts"
import { start as lzstock } from "../support/commandLine.ts"
import { corrupted, type Garbage, garbage } from "../support/garbage.ts"
import {
  connectionName,
  connectTo,
  listedAt,
  type MonitoredCluster,
  metricsOf,
  monitoredCluster
} from "../support/monitoredNats.ts"

const SYMBOLS = 6
/** For what NATS was given to be read; else the counts themselves say what is wrong. */
const COUNTED_MILLIS = 40_000

const decodes = (decode: (data: Uint8Array) => unknown) => (data: Uint8Array) => {
  try {
    return decode(data) !== undefined
  } catch {
    return false
  }
}

/** What a subject is for, and how its messages are told from garbage; by its pattern, so that a new kind of subject fails here. */
interface Kind {
  readonly name: "topic" | "settled" | "ticks" | "dead" | "events" | "dial" | "ping" | "inbox" | "answers"
  readonly isReal: (data: Uint8Array) => boolean
}

const standingTopics = [feedClockTopic, ownedShardsTopic, companiesChangedTopic, companySyncTopic, revokedTopic]

const kindOf = (prefix: string, subject: string): Kind => {
  const nothing = () => false
  if (/^_INBOX\.\w+$/.test(subject)) return { name: "inbox", isReal: nothing }
  if (/^_INBOX\.\w+\.\*$/.test(subject)) return { name: "answers", isReal: nothing }
  const own = subject.startsWith(`${prefix}.`) ? subject.slice(prefix.length + 1) : ""
  const [, symbol = ""] = /^(?:quotes|bars)\.(.+)$/.exec(own) ?? []
  const topics = [quotesTopic(symbol), barsTopic(symbol), ...standingTopics]
  const topic = topics.find(({ name }) => name === own)
  if (topic !== undefined) return { name: "topic", isReal: decodes((data) => topic.codec.decode(data)) }
  const [, word, last = ""] = /^(settled|ticks|dead\.ticks)\.(\d+|\*)$/.exec(own) ?? []
  if (word === "settled") return { name: "settled", isReal: decodes(decodeSettled) }
  if (word === "ticks") return { name: "ticks", isReal: decodes((data) => decodeTickMessage(Number(last), data)) }
  if (/^events\./.test(own)) return { name: "events", isReal: decodes(eventCodec.decode) }
  if (word === "dead.ticks") return { name: "dead", isReal: nothing }
  if (/^runner\.[\w-]+\.1\.dial$/.test(own)) return { name: "dial", isReal: nothing }
  if (/^runner\.[\w-]+\.1\.ping$/.test(own)) return { name: "ping", isReal: nothing }
  throw new Error(`${subject}: a subject that this test does not know`)
}

interface Heard extends Kind {
  readonly subject: string
  /** Who hears it, a name a subscription. Of streams: nobody. */
  readonly listeners: ReadonlyArray<string>
}

/** Every subject that a node or a stream of the cluster listens to. */
const listenedTo = async (
  { nats, prefix }: MonitoredCluster,
  observer: NatsConnection
): Promise<ReadonlyArray<Heard>> => {
  const subjects = new Map<string, Array<string>>()
  for (const { connection, subject } of await nats.subscriptions()) {
    if (connection.startsWith(`${prefix} `)) subjects.set(subject, [...(subjects.get(subject) ?? []), connection])
  }
  for await (const { config } of (await jetstreamManager(observer)).streams.list()) {
    for (const subject of config.subjects ?? []) subjects.set(subject, [])
  }
  return Array.from(subjects, ([subject, listeners]) => ({ ...kindOf(prefix, subject), subject, listeners }))
}

/** The newest message of every subject, as it went by; `stop` before anybody else speaks there. */
const eavesdrop = (observer: NatsConnection, prefix: string) => {
  const newest = new Map<string, Uint8Array>()
  const keep = (_: Error | null, { data, subject }: Msg) => {
    // not its slice: of a Buffer that is no copy
    if (data.length > 0) newest.set(subject, Uint8Array.from(data))
  }
  const heard = [`${prefix}.>`, "_INBOX.>"].map((subject) => observer.subscribe(subject, { callback: keep }))
  const stop = () => {
    for (const one of heard) one.unsubscribe()
  }
  return { newest, stop }
}

const say = async (connection: NatsConnection, subject: string, all: ReadonlyArray<Garbage>, reply?: string) => {
  for (const { data, headers } of all) {
    connection.publish(subject, data, {
      ...(headers === undefined ? {} : { headers }),
      ...(reply === undefined ? {} : { reply })
    })
    // a node that is given a hundred megabytes at once would be cut off as a slow consumer
    if (data.length > 100_000) await connection.flush()
  }
  await connection.flush()
}

/** Whatever the wildcard of a subscription may stand for. */
const exactly = (subject: string): ReadonlyArray<string> => {
  const lasts = subject.endsWith(".*")
    ? ["0", "63", "64", "x"]
    : subject.endsWith(".>")
      ? ["investor.deleted", "x"]
      : []
  return lasts.length === 0 ? [subject] : lasts.map((last) => subject.replace(/[*>]$/, last))
}

/** Where a node counts what it refuses on a kind of subject; of pings nothing is refused, and who awaits no answer hears none. */
const counterOf = {
  topic: "bus_messages_refused_total",
  settled: "bus_messages_refused_total",
  dial: "nats_frames_refused_total",
  inbox: "nats_frames_refused_total",
  ticks: "tick_messages_refused_total"
} as const
const counters = Array.from(new Set(Object.values(counterOf)))

type Counts = ReadonlyMap<string, number>
/** By `<connection> <counter>`, of every node. */
const countsOf = async (cluster: MonitoredCluster): Promise<Counts> => {
  const rows = cluster.nodes.map(async (node) => {
    const metrics = await metricsOf(node.url)
    return counters.map((counter): [string, number] => [
      `${connectionName(cluster, node)} ${counter}`,
      metrics(counter)
    ])
  })
  return new Map((await Promise.all(rows)).flat())
}
const sumOf = (counts: Counts, counter: string): number =>
  Array.from(counts).reduce((sum, [name, count]) => (name.endsWith(counter) ? sum + count : sum), 0)

interface DeadLetter {
  readonly ticks: number | null
  readonly bytes: number
  readonly source: { readonly subject: string } | null
}
/** As an operator sees them. */
const deadLetters = async ({ nats, prefix }: MonitoredCluster): Promise<ReadonlyArray<DeadLetter>> => {
  const args = ["dlq", "list", "--json", "--limit", "100000", "--nats", nats.natsUrl, "--prefix", prefix]
  const { code, err, out } = await lzstock(args).ended
  expect({ code, err }).toEqual({ code: 0, err: "" })
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line): DeadLetter => JSON.parse(line))
}

/** Exactly so many, in the end. */
const counts = async (cluster: MonitoredCluster, expected: Counts, refusedTicks: number): Promise<Counts> => {
  const seen = async () => {
    const now = await countsOf(cluster)
    const own = Array.from(expected.keys(), (counter) => [counter, now.get(counter) ?? 0] as const)
    return { now, told: { ...Object.fromEntries(own), ticks: sumOf(now, counterOf.ticks) } }
  }
  const wanted = { ...Object.fromEntries(expected), ticks: refusedTicks }
  await until(async () => isDeepStrictEqual((await seen()).told, wanted), COUNTED_MILLIS)
  const { now, told } = await seen()
  expect(told).toEqual(wanted)
  return now
}

describe("garbage on every subject a cluster listens to", () => {
  it(
    "is parked or counted; nothing stops, and nobody who watches is told",
    () =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const cluster = yield* monitoredCluster({
          gateways: 2,
          markets: 2,
          nodeOptions: ["--symbols", String(SYMBOLS), "--rate", "0.2", "--date", "2026-03-06", "--start", "10:30"],
          say: (line) => said.push(line)
        })
        const { nats, nodes } = cluster
        const pids = nodes.map(({ pid }) => pid)
        const observer = yield* connectTo(nats.natsUrl, "observer")
        const vandal = yield* connectTo(nats.natsUrl, "vandal")
        yield* Effect.promise(() => harass(cluster, observer, vandal))
        expect(nodes.map(({ isRunning, pid }) => (isRunning ? pid : 0))).toEqual(pids)
        expect(said).toEqual([])
      }).pipe(Effect.scoped, Effect.runPromise),
    240_000
  )
})

/** Answers so many requests of the cluster with garbage, as quickly as those do who were asked. */
const FALSE_ANSWERS = 300
const answerFalsely = (vandal: NatsConnection, prefix: string) => {
  const short = garbage.filter(({ data }) => data.length < 1000)
  let count = 0
  const answer = (_: Error | null, { reply = "" }: Msg) => {
    if (!reply.startsWith("_INBOX.") || count >= FALSE_ANSWERS) return
    const { data, headers } = short[count++ % short.length] ?? {}
    vandal.publish(reply, data, headers === undefined ? {} : { headers })
  }
  for (const subject of [`${prefix}.ticks.*`, `${prefix}.runner.>`, "$JS.API.>"]) {
    vandal.subscribe(subject, { callback: answer })
  }
  return () => count
}

/** What only nats-server says. */
const statuses: ReadonlyArray<Garbage> = [
  [100, "Idle Heartbeat"],
  [404, "No Messages"],
  [408, "Request Timeout"],
  [409, "Consumer Deleted"],
  [409, "Message Size Exceeds MaxBytes"],
  [503, "No Responders"],
  [999, "?"]
].map(([code, description]) => ({
  name: `status ${code}`,
  data: new Uint8Array(0),
  headers: headers(Number(code), String(description))
}))

const harass = async (cluster: MonitoredCluster, observer: NatsConnection, vandal: NatsConnection) => {
  const { nodes, prefix } = cluster
  const real = eavesdrop(observer, prefix)
  const gateways = nodes.filter(({ role }) => role === "gateway")
  const symbols = await listedAt(cluster.url)
  const watchers = gateways.map(({ url }) => new ClusterWatcher(url, symbols))
  let bars = 0
  for (const { client } of watchers) client.watchBars({ symbol: symbols[0] ?? "", interval: "1m" }, () => bars++)

  /** Everybody hears of every symbol anew. */
  const goesOn = async (when: string) => {
    const before = watchers.map(({ newest }) => new Map(newest))
    await eventually(`every watcher has newer quotes of every symbol, ${when}`, () =>
      watchers.every((watcher, i) =>
        symbols.every((symbol) => {
          const [old, now] = [before[i]?.get(symbol), watcher.newest.get(symbol)]
          if (now === undefined || !watcher.isCurrent(symbol)) return false
          return old === undefined || now.epoch > old.epoch || now.seq > old.seq + 2
        })
      )
    )
    const barsBefore = bars
    await eventually(`live bars move, ${when}`, () => bars > barsBefore)
    for (const { client, violations } of watchers) {
      expect(violations, when).toEqual([])
      for (const symbol of symbols) expect((await client.quote(symbol)).symbol, when).toBe(symbol)
      expect((await client.status()).feed.state, when).toBe("live")
    }
  }
  /** Of every watcher: interruptions it was told of. */
  const interruptions = () => JSON.stringify(watchers.map(({ disconnects, gaps }) => ({ disconnects, gaps })))

  await goesOn("before")
  const undisturbed = interruptions()
  real.stop()
  // nothing may have been settled yet
  real.newest.set(`${prefix}.settled.0`, new TextEncoder().encode(settledText({ stream: "A_TICKS@now", seq: 70 })))
  const before = await countsOf(cluster)
  expect(Array.from(before.values()).every((count) => count === 0)).toBe(true)

  // ---- no messages at all ----
  const heard = await listenedTo(cluster, observer)
  expect(new Set(heard.map(({ name }) => name))).toEqual(
    new Set(["topic", "settled", "ticks", "dead", "events", "dial", "ping", "inbox", "answers"])
  )
  for (const topic of [...symbols.map(quotesTopic), barsTopic(symbols[0] ?? ""), ...standingTopics]) {
    expect(heard.map(({ subject }) => subject)).toContain(`${prefix}.${topic.name}`)
  }
  const busy = new Set(symbols.map((symbol) => `${prefix}.ticks.${tickShard(symbol)}`))
  const expected = new Map<string, number>()
  const expectRefused = ({ listeners, name }: Heard, count: number) => {
    if (name === "topic" || name === "settled" || name === "dial" || name === "inbox") {
      for (const listener of listeners) {
        const counter = `${listener} ${counterOf[name]}`
        expected.set(counter, (expected.get(counter) ?? 0) + count)
      }
    }
  }
  let refusedTicks = 0
  let deadAlready = 0
  for (const one of heard) {
    for (const subject of exactly(one.subject)) {
      const isQuiet = (one.name === "ticks" || one.name === "dead") && !busy.has(subject)
      const batch = isQuiet ? garbage.slice(0, 3) : garbage
      expect(batch.filter(({ data }) => one.isReal(data)).map(({ name }) => name)).toEqual([])
      await say(vandal, subject, batch)
      expectRefused(one, batch.length)
      if (one.name === "ticks") refusedTicks += batch.length
      if (one.name === "dead") deadAlready += batch.length
    }
  }
  const counted = await counts(cluster, expected, refusedTicks)
  await goesOn("after bytes that are no messages")
  expect(interruptions()).toBe(undisturbed)

  // ---- messages of theirs, damaged ----
  const again = await listenedTo(cluster, observer)
  const damaged = new Map(Array.from(counted).filter(([counter]) => counter.endsWith(counterOf.topic)))
  const kinds = new Set<string>()
  for (const [i, one] of again.entries()) {
    for (const subject of exactly(one.subject)) {
      const message = real.newest.get(subject)
      if (message === undefined) continue
      kinds.add(one.name)
      const batch = corrupted(message, i)
      await say(vandal, subject, batch)
      const refused = batch.filter(({ data }) => !one.isReal(data)).length
      if (one.name === "ticks") {
        expect(refused).toBe(batch.length)
        refusedTicks += refused
      }
      if (one.name === "dead") deadAlready += batch.length
      if (one.name !== "topic" && one.name !== "settled") continue
      for (const listener of one.listeners) {
        const counter = `${listener} ${counterOf[one.name]}`
        damaged.set(counter, (damaged.get(counter) ?? 0) + refused)
      }
    }
  }
  expect(kinds).toEqual(new Set(["topic", "settled", "ticks", "dial", "inbox"]))
  await counts(cluster, damaged, refusedTicks)
  await goesOn("after damaged messages")

  // ---- parked: what was on subjects of ticks, and what was put among the dead ----
  await eventually("every dead letter is stored", async () => {
    const stored = await Promise.all(nodes.map(async ({ url }) => (await metricsOf(url))("dead_letters_total")))
    return stored.reduce((sum, count) => sum + count, 0) === refusedTicks
  })
  const letters = await deadLetters(cluster)
  expect(letters.filter(({ source }) => source !== null)).toHaveLength(refusedTicks)
  expect(letters).toHaveLength(refusedTicks + deadAlready)

  // ---- what speaks for others: answers nobody gave, replies to where none belongs, words that are NATS's alone ----
  const answers = answerFalsely(vandal, prefix)
  const subjects = (await listenedTo(cluster, observer)).flatMap(({ subject }) => exactly(subject))
  for (const [i, subject] of subjects.entries()) {
    await say(vandal, subject, garbage.slice(0, 4), subjects[(i * 7 + 3) % subjects.length])
  }
  for (const subject of subjects.filter((one) => one.startsWith("_INBOX."))) await say(vandal, subject, statuses)
  await eventually("many requests were answered falsely", () => answers() >= FALSE_ANSWERS)
  await goesOn("after words in the name of others")

  for (const { url } of nodes) {
    const metrics = await metricsOf(url)
    for (const name of ["nats_handler_failures_total", "bus_subscriber_failures", "dead_letters_lost_total"]) {
      expect([name, metrics(name)]).toEqual([name, 0])
    }
    for (const kind of ["session", "ticker"]) expect(metrics(`actor_restarts_total{kind="${kind}"}`)).toBe(0)
    expect(metrics('ticks_noted_total{kind="missed"}')).toBe(0)
  }
  await Promise.all(watchers.map((watcher) => watcher.close()))
  await eventually("every gauge of the gateways is 0", async () => {
    const all = await Promise.all(gateways.map(({ url }) => metricsOf(url)))
    return all.every((metrics) => gauges.every((gauge) => metrics(gauge) === 0))
  })
}

const gauges = [
  "sessions_active",
  'actors_active{kind="session"}',
  "watches_active",
  "watched_slots_active",
  "watched_symbols_active",
  "topic_subscriptions_active",
  "live_bars_active"
]
