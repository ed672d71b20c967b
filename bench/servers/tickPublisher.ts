/** A process that publishes a morning's ticks into the kept stream, as the feed's node does; or bare messages of the same bytes. */

import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Context, Effect, Layer, Scope } from "effect"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { TickPublisher } from "../../src/app/nats/ticks/TickPublisher.ts"
import { tickMessageText } from "../../src/app/nats/ticks/tickMessage.ts"
import type { TickBatch } from "../../src/rpc/ticks.ts"
import { batchJson } from "../../src/rpc/topicCodecs.ts"
import { tickShard } from "../../src/rpc/topics.ts"
import { layerPublisher, type Wires } from "../support/marketNode.ts"
import { firstTrade, morning, type Work } from "../support/morning.ts"
import { answer } from "../support/processes.ts"
import { symbolsOf } from "../support/topology.ts"
import { startVitals, type Vitals } from "../support/vitals.ts"

export interface Published {
  readonly messages: number
  readonly vitals: Vitals
}

/** Bare NATS forgets what it cannot hold for a subscriber: so much at a time. */
const FLUSH_BYTES = 1024 * 1024

let batches: ReadonlyArray<TickBatch> = []
let published: ((from: number, to: number) => Promise<number>) | undefined
let bare: { readonly connection: NatsConnection; readonly subject: string } | undefined
let payloads: ReadonlyArray<Uint8Array> = []

const open = async (wires: Wires): Promise<void> => {
  const context = await Effect.runPromise(Scope.provide(Layer.build(layerPublisher(wires)), Scope.makeUnsafe()))
  const ticks = Context.get(context, TickPublisher)
  const gauges = Context.get(context, Gauges)
  let upTo = Number.NEGATIVE_INFINITY
  const feed = { run: wires.prefix, no: 1, canWait: true, publishedUpTo: () => upTo }
  await Effect.runPromise(Scope.provide(ticks.begin(feed), Scope.makeUnsafe()))
  const all = Effect.fnUntraced(function* (from: number, to: number) {
    for (let at = from; at < to; at++) {
      const batch = batches[at]
      if (batch === undefined) return
      yield* ticks.publish(batch)
      // the next one may be of the same millisecond
      upTo = batch.ingestTime - 1
    }
    yield* ticks.flush
  })
  const messages = () => gauges.get("tick_messages_published_total")
  published = async (from, to) => {
    const before = messages()
    await Effect.runPromiseWith(context)(all(from, to))
    return messages() - before
  }
}

const publisher = {
  open: ({ wires, work }: { readonly wires: Wires; readonly work: Work }): Promise<void> => {
    batches = morning(work)
    return open(wires)
  },
  /** One trade of every symbol instead. */
  openEach: ({ symbols, wires }: { readonly wires: Wires; readonly symbols: number }): Promise<void> => {
    batches = symbolsOf(symbols).map((symbol) => firstTrade(symbol))
    return open(wires)
  },
  publish: async ({ from, to }: { readonly from: number; readonly to: number }): Promise<Published> => {
    if (published === undefined) throw new Error("open first")
    const end = startVitals()
    const messages = await published(from, to)
    return { messages, vitals: end() }
  },
  /** Every batch once more as bytes, so many of a shard in a message. */
  openBare: async (asked: { readonly natsUrl: string; readonly subject: string; readonly together: number }) => {
    const { natsUrl, subject, together } = asked
    bare = { connection: await connect({ servers: new URL(natsUrl).host }), subject }
    const texts = new Map<number, Array<string>>()
    const made: Array<Uint8Array> = []
    const close = (shard: number) => {
      const own = texts.get(shard) ?? []
      if (own.length > 0) made.push(Buffer.from(tickMessageText(own, undefined)))
      texts.set(shard, [])
    }
    const from = new Map<string, number>()
    for (const batch of batches) {
      const shard = tickShard(batch.symbol)
      const own = texts.get(shard) ?? []
      texts.set(shard, own)
      const first = from.get(batch.symbol) ?? 0
      from.set(batch.symbol, first + batch.ticks.length)
      own.push(batchJson({ ...batch, origin: { run: "bench", no: 1, from: first } }))
      if (own.length >= together) close(shard)
    }
    for (const shard of [...texts.keys()]) close(shard)
    payloads = made
    return { messages: payloads.length, bytes: payloads.reduce((sum, { length }) => sum + length, 0) }
  },
  publishBare: async (passes: number): Promise<Published> => {
    if (bare === undefined) throw new Error("openBare first")
    const { connection, subject } = bare
    const end = startVitals()
    let waiting = 0
    for (let pass = 0; pass < passes; pass++) {
      for (const payload of payloads) {
        connection.publish(subject, payload)
        waiting += payload.length
        if (waiting < FLUSH_BYTES) continue
        waiting = 0
        await connection.flush()
      }
    }
    await connection.flush()
    return { messages: payloads.length * passes, vitals: end() }
  }
}
export type TickPublishing = typeof publisher

answer(publisher)
