/**
 * The bus over many processes. What stays on a node goes by the in-process bus; quotes and bars by core NATS, at most once,
 * one NATS subscription per topic and node however many listen; ticks into their stream (TickPublisher) and out of it by
 * TickSource. A NATS that is away delays nobody: what cannot be said is counted, and watchers resynchronise.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { Bus, type Subscriber } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import type { Topic } from "../../rpc/topics.ts"
import { Nats } from "./NatsConnection.ts"
import { subjectsOf } from "./subjects.ts"
import { TickPublisher } from "./ticks/TickPublisher.ts"

/** Said and not yet known to have left this process: from the first on a round trip is asked for, at the second it is waited for. */
const ASK_BYTES = 1024 * 1024
const MAX_BYTES = 4 * 1024 * 1024
/** A NATS that is silent for longer is treated as away until it answers. */
const PATIENCE = "1 second"
/** A new subscription is waited for so long, so that what is said after it is heard. */
const SUBSCRIBE_TIMEOUT = "2 seconds"
const LOSS_MILLIS = 250
/** Messages of a topic whose slow subscribers may be under way. */
const MAX_WAITING = 1024

/** One NATS subscription, for all local subscribers of its topic. */
interface Shared {
  readonly close: () => void
  /** Known to NATS. */
  readonly ready: Effect.Effect<void>
  subscribers: number
}

const isTickBatch = (message: unknown): message is TickBatch =>
  typeof message === "object" && message !== null && "symbol" in message && "ticks" in message

/** Bounds what is said and has not left: a flush round trip proves it gone. */
const makeOutbound = Effect.fnUntraced(function* (nats: Nats["Service"]) {
  let bytes = 0
  let flushing: Effect.Effect<void> | undefined
  let silent = false
  yield* nats.onDisconnect(() => {
    // the client forgets what it held
    bytes = 0
    silent = false
    flushing = undefined
  })
  const flush = (): Effect.Effect<void> => {
    const asked = bytes
    const round = nats.connection.flush().then(
      () => {
        bytes = Math.max(0, bytes - asked)
        silent = false
        flushing = undefined
      },
      () => {
        flushing = undefined
      }
    )
    const waiting = Effect.timeoutOrElse(
      Effect.promise(() => round),
      {
        duration: PATIENCE,
        orElse: () =>
          Effect.sync(() => {
            silent = true
          })
      }
    )
    flushing = waiting
    return waiting
  }
  return {
    mayTake: () => nats.connected() && !(silent && bytes >= MAX_BYTES),
    /** What must be waited for after so many more bytes; undefined: nothing. */
    took: (more: number): Effect.Effect<void> | undefined => {
      bytes += more
      if (bytes < ASK_BYTES) return undefined
      const round = flushing ?? flush()
      return bytes >= MAX_BYTES ? round : undefined
    }
  }
})

const make = Effect.fnUntraced(function* (prefix: string, publisher: TickPublisher["Service"] | undefined) {
  const nats = yield* Nats
  const gauges = yield* Gauges
  const local = Context.get(yield* Layer.build(Bus.layerInProcess), Bus)
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const subjects = subjectsOf(prefix)
  const outbound = yield* makeOutbound(nats)
  const shared = new Map<string, Shared>()
  const subjectsByTopic = new WeakMap<object, string>()

  const subjectOf = (topic: { readonly name: string }): string => {
    let subject = subjectsByTopic.get(topic)
    if (subject === undefined) {
      subject = subjects.topic(topic.name)
      subjectsByTopic.set(topic, subject)
    }
    return subject
  }

  // ---- losses: told once it is over, four times a second at most
  const lossListeners = new Set<() => void>()
  let lossy = false
  yield* nats.onReconnect(() => {
    lossy = true
  })
  const drop = () => {
    lossy = true
    gauges.add("bus_messages_dropped_total", 1)
  }
  const tellLoss = Effect.sync(() => {
    if (!lossy || !outbound.mayTake()) return
    lossy = false
    for (const listener of lossListeners) listener()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(LOSS_MILLIS), tellLoss)))

  const publishToCluster = <A>(topic: Topic<A>, message: A): Effect.Effect<void> => {
    if (!outbound.mayTake()) {
      drop()
      return Effect.void
    }
    const bytes = topic.codec.encode(message)
    try {
      nats.connection.publish(subjectOf(topic), bytes)
    } catch (cause) {
      // closing, or a message longer than NATS takes
      drop()
      return Effect.logDebug("A bus message was not sent", { topic: topic.name, cause })
    }
    return outbound.took(bytes.length) ?? Effect.void
  }

  const listen = <A>(topic: Topic<A>): (() => void) => {
    let waiting = 0
    return nats.listen(subjectOf(topic), ({ data }) => {
      let message: A
      try {
        // a copy, which the slice of a Buffer is not: what is kept of it must not keep the whole read from the socket
        message = topic.codec.decode(new Uint8Array(data))
      } catch {
        return gauges.add("bus_messages_refused_total", 1)
      }
      if (waiting >= MAX_WAITING) return drop()
      const fiber = run(local.publish(topic, message))
      if (fiber.pollUnsafe() !== undefined) return
      waiting++
      fiber.addObserver(() => {
        waiting--
      })
    })
  }

  const acquire = <A>(topic: Topic<A>): Shared => {
    const open = shared.get(topic.name)
    if (open !== undefined) {
      open.subscribers++
      return open
    }
    const close = listen(topic)
    const round = nats.connected() ? nats.connection.flush().catch(() => {}) : Promise.resolve()
    const ready = Effect.ignore(
      Effect.timeoutOption(
        Effect.promise(() => round),
        SUBSCRIBE_TIMEOUT
      )
    )
    const opened: Shared = { close, ready, subscribers: 1 }
    shared.set(topic.name, opened)
    return opened
  }

  const release = (name: string, open: Shared) => {
    open.subscribers--
    if (open.subscribers > 0) return
    open.close()
    shared.delete(name)
  }

  return Bus.of({
    publish: <A>(topic: Topic<A>, message: NoInfer<A>) =>
      Effect.suspend(() => {
        switch (topic.reach) {
          case "node":
            return local.publish(topic, message)
          case "cluster":
            return publishToCluster<A>(topic, message)
          case "log":
            if (publisher === undefined) return Effect.die(new Error(`${topic.name}: this node does not publish ticks`))
            return isTickBatch(message)
              ? publisher.publish(message)
              : Effect.die(new Error(`${topic.name}: only ticks are kept in a log`))
        }
      }),
    subscribe: <A>(topic: Topic<A>, subscriber: Subscriber<A>): Effect.Effect<void, never, Scope.Scope> =>
      Effect.suspend(() => {
        if (topic.reach === "node") return local.subscribe(topic, subscriber)
        if (topic.reach === "log") return Effect.die(new Error(`${topic.name} is a log: TickSource reads it`))
        return local.subscribe(topic, subscriber).pipe(
          Effect.andThen(
            Effect.acquireRelease(
              Effect.sync(() => acquire(topic)),
              (open) => Effect.sync(() => release(topic.name, open))
            )
          ),
          Effect.andThen(({ ready }) => ready)
        )
      }),
    // another node may listen
    onLoss: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => lossListeners.add(listener)),
        () => Effect.sync(() => lossListeners.delete(listener))
      ),
    hasSubscribers: (topic) => topic.reach === "cluster" || topic.reach === "log" || local.hasSubscribers(topic)
  })
})

export const NatsBus = {
  /** A node that does not run the feed: publishing ticks there is a defect. `prefix`: of every subject. */
  layer: (options: { readonly prefix: string }): Layer.Layer<Bus, never, Gauges | Nats> =>
    Layer.effect(Bus, make(options.prefix, undefined)),
  /** With the way of ticks into their stream. */
  layerPublishing: (options: { readonly prefix: string }): Layer.Layer<Bus, never, Gauges | Nats | TickPublisher> =>
    Layer.effect(
      Bus,
      Effect.flatMap(TickPublisher, (publisher) => make(options.prefix, publisher))
    )
}
