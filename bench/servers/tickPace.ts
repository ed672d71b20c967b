/** A process that publishes ticks when they are due, whatever happens, and hears the quotes they make: open loop. */
import { connect } from "@nats-io/transport-node"
import { Context, Effect, Layer, Scope } from "effect"
import { subjectsOf } from "../../src/app/nats/subjects.ts"
import { TickPublisher } from "../../src/app/nats/ticks/TickPublisher.ts"
import type { TickBatch } from "../../src/rpc/ticks.ts"
import { batchJson, tickBatchCodec } from "../../src/rpc/topicCodecs.ts"
import { quotesTopic } from "../../src/rpc/topics.ts"
import { microsNow, pause } from "../support/clock.ts"
import { Histogram, type Percentiles } from "../support/Histogram.ts"
import { layerPublisher, type Wires } from "../support/marketNode.ts"
import { morning, type Work } from "../support/morning.ts"
import { answer } from "../support/processes.ts"
import { symbolsOf } from "../support/topology.ts"
import { startVitals, type Vitals } from "../support/vitals.ts"

export interface Paced {
  readonly heard: number
  /** From the intended publish time to the quote's arrival here. */
  readonly latency: Percentiles
  readonly vitals: Vitals
}

type Publish = (batch: TickBatch) => Promise<void> | void

const LOOK_MILLIS = 1
/** What is under way when the last batch is published. */
const LAST_MILLIS = 1_000

let batches: ReadonlyArray<TickBatch> = []
let publish: Publish | undefined
let next = 0
const latency = new Histogram()
/** Its batches carry the intended time in µs, and so do the quotes: what is from before is not counted. */
let since = Number.POSITIVE_INFINITY

const hear = (dueMicros: number) => {
  if (dueMicros >= since) latency.record(microsNow() - dueMicros)
}

const pace = {
  open: async ({ wires, work }: { readonly wires: Wires; readonly work: Work }): Promise<void> => {
    batches = morning(work)
    const context = await Effect.runPromise(Scope.provide(Layer.build(layerPublisher(wires)), Scope.makeUnsafe()))
    const ticks = Context.get(context, TickPublisher)
    let upTo = Number.NEGATIVE_INFINITY
    const feed = { run: wires.prefix, no: 1, canWait: true, publishedUpTo: () => upTo }
    await Effect.runPromise(Scope.provide(ticks.begin(feed), Scope.makeUnsafe()))
    const run = Effect.runPromiseWith(context)
    publish = async (batch) => {
      await run(ticks.publish(batch))
      upTo = (batch.ticks[0]?.time ?? 0) - 1
    }
    const nats = await connect({ servers: new URL(wires.natsUrl).host })
    const { topic } = subjectsOf(wires.prefix)
    for (const symbol of symbolsOf(work.symbols)) {
      const quotes = quotesTopic(symbol)
      nats.subscribe(topic(quotes.name), {
        callback: (_, { data }) => hear(quotes.codec.decode(data).ingestTime)
      })
    }
    await nats.flush()
  },
  /** A message a batch, and what another process sends back of it. */
  openBare: async (asked: { readonly wires: Wires; readonly work: Work }): Promise<void> => {
    const { wires, work } = asked
    batches = morning(work)
    const nats = await connect({ servers: new URL(wires.natsUrl).host })
    publish = (batch) => nats.publish(`${wires.prefix}.there`, batchJson(batch))
    nats.subscribe(`${wires.prefix}.back`, {
      callback: (_, { data }) => hear(tickBatchCodec.decode(data).ingestTime)
    })
    await nats.flush()
  },
  run: async (asked: { readonly perSecond: number; readonly seconds: number }): Promise<Paced> => {
    if (publish === undefined) throw new Error("open first")
    const started = microsNow()
    const gap = 1e6 / asked.perSecond
    const total = asked.perSecond * asked.seconds
    since = started
    latency.reset()
    const end = startVitals()
    for (let count = 0; count < total; ) {
      const now = microsNow()
      for (; count < total && started + count * gap <= now; count++) {
        const batch = batches[next++]
        if (batch === undefined) throw new Error("the morning is over")
        await publish({ ...batch, ingestTime: Math.floor(started + count * gap) })
      }
      await pause(LOOK_MILLIS)
    }
    const vitals = end()
    await pause(LAST_MILLIS)
    const percentiles = latency.percentiles()
    return { heard: percentiles.count, latency: percentiles, vitals }
  }
}
export type TickPacing = typeof pace

answer(pace)
