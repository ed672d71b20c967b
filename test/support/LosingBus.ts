/** The bus of one process, and a connection that a test breaks: what was published meanwhile is lost, and that is told. */
import { Effect, Layer } from "effect"
import { Bus } from "../../src/actors/kernel/Bus.ts"

export class LosingBus {
  private readonly listeners = new Set<() => void>()
  private isBroken = false

  /** Nothing of reach "cluster" arrives from here on. */
  break(): void {
    this.isBroken = true
  }

  mend(): void {
    this.isBroken = false
    for (const listener of this.listeners) listener()
  }

  get listening(): number {
    return this.listeners.size
  }

  readonly layer: Layer.Layer<Bus, never, Bus> = Layer.effect(
    Bus,
    Effect.map(Bus, (bus) =>
      Bus.of({
        ...bus,
        publish: (topic, message) =>
          this.isBroken && topic.reach === "cluster" ? Effect.void : bus.publish(topic, message),
        onLoss: (listener) =>
          Effect.acquireRelease(
            Effect.sync(() => this.listeners.add(listener)),
            () => Effect.sync(() => this.listeners.delete(listener))
          )
      })
    )
  )
}
