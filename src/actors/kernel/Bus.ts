/**
 * The data plane's port. In one process it is a map of handlers (below); over many, NATS (src/app/nats).
 * No fiber per message or per subscription: a subscriber is a function.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import type { Topic } from "../../rpc/topics.ts"
import { Gauges } from "./Gauges.ts"

/** Called for each message, in publish order. Return an Effect to make the publisher wait (back-pressure). */
export type Subscriber<A> = (message: A) => Effect.Effect<void> | void

/** What somebody's interest opened must return to 0 with it; a node's own subscriptions are counted apart. */
const openGauge = ({ watched }: { readonly watched: boolean }): string =>
  watched ? "topic_subscriptions_active" : "standing_subscriptions_active"

export class Bus extends Context.Service<
  Bus,
  {
    /** Succeeds when every local subscriber has accepted the message. A subscriber's defect is counted and logged, never passed on. */
    readonly publish: <A>(topic: Topic<A>, message: NoInfer<A>) => Effect.Effect<void>
    /** Held until the Scope closes; after that the subscriber is never called again. */
    readonly subscribe: <A>(topic: Topic<A>, subscriber: Subscriber<A>) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Calls back each time messages may have been lost on their way here or from here: whoever goes by them asks, or says,
     * anew. Never in one process. Held until the Scope closes.
     */
    readonly onLoss: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
    /** False only when it is certain that nobody listens: lets a publisher skip work. */
    readonly hasSubscribers: <A>(topic: Topic<A>) => boolean
  }
>()("lzstock/actors/kernel/Bus") {
  static readonly layerInProcess: Layer.Layer<Bus, never, Gauges> = Layer.effect(
    Bus,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      // copy-on-write arrays: publishing iterates without copying while subscribers come and go
      const topics = new Map<string, ReadonlyArray<Subscriber<never>>>()

      const call = <A>(topic: string, subscriber: Subscriber<A>, message: A): Effect.Effect<void> | undefined => {
        try {
          const accepted = subscriber(message)
          return accepted ? Effect.catchCause(accepted, (cause) => failed(topic, cause)) : undefined
        } catch (defect) {
          return failed(topic, defect)
        }
      }
      const failed = (topic: string, cause: unknown) => {
        gauges.add("bus_subscriber_failures", 1)
        return Effect.logError("A bus subscriber failed", { topic, cause })
      }

      return Bus.of({
        publish: <A>(topic: Topic<A>, message: NoInfer<A>) =>
          Effect.suspend(() => {
            const subscribers = topics.get(topic.name) as ReadonlyArray<Subscriber<A>> | undefined
            if (subscribers === undefined) return Effect.void
            let waits: Array<Effect.Effect<void>> | undefined
            for (const subscriber of subscribers) {
              const wait = call(topic.name, subscriber, message)
              if (wait === undefined) continue
              waits ??= []
              waits.push(wait)
            }
            return waits === undefined ? Effect.void : Effect.all(waits, { discard: true })
          }),
        subscribe: <A>(topic: Topic<A>, subscriber: Subscriber<A>) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              gauges.add(openGauge(topic), 1)
              topics.set(topic.name, [...(topics.get(topic.name) ?? []), subscriber as Subscriber<never>])
            }),
            () =>
              Effect.sync(() => {
                const left = (topics.get(topic.name) ?? []).filter((other) => other !== subscriber)
                if (left.length === 0) topics.delete(topic.name)
                else topics.set(topic.name, left)
                gauges.add(openGauge(topic), -1)
              })
          ),
        onLoss: () => Effect.void,
        hasSubscribers: (topic) => topics.has(topic.name)
      })
    })
  )
}
