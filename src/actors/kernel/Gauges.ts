/**
 * What is open now, and what has been counted. Plain numbers, so that the hot path pays an addition; `/metrics` reads them.
 * Every open has its close: `track` ties the two to a Scope, and tests assert the return to 0.
 */
import { Context, Effect, Layer, type Scope } from "effect"

export interface Sample {
  readonly name: string
  /** Label set in Prometheus form without braces, e.g. `kind="ticker"`; empty for none. */
  readonly labels: string
  readonly value: number
}

/** No string is put together for what has no labels: that is what hot paths count. */
const keyOf = (name: string, labels: string): string => (labels === "" ? name : `${name}{${labels}}`)

export class Gauges extends Context.Service<
  Gauges,
  {
    readonly add: (name: string, delta: number, labels?: string) => void
    readonly set: (name: string, value: number, labels?: string) => void
    readonly get: (name: string, labels?: string) => number
    /** +1 now, −1 when the Scope closes. */
    readonly track: (name: string, labels?: string) => Effect.Effect<void, never, Scope.Scope>
    readonly samples: () => ReadonlyArray<Sample>
  }
>()("lzstock/actors/kernel/Gauges") {
  static readonly layer: Layer.Layer<Gauges> = Layer.sync(Gauges, () => {
    const values = new Map<string, { readonly name: string; readonly labels: string; value: number }>()
    const sample = (name: string, labels: string) => {
      const key = keyOf(name, labels)
      let entry = values.get(key)
      if (entry === undefined) {
        entry = { name, labels, value: 0 }
        values.set(key, entry)
      }
      return entry
    }
    const add = (name: string, delta: number, labels = "") => {
      sample(name, labels).value += delta
    }
    return Gauges.of({
      add,
      set: (name, value, labels = "") => {
        sample(name, labels).value = value
      },
      get: (name, labels = "") => values.get(keyOf(name, labels))?.value ?? 0,
      track: (name, labels = "") =>
        Effect.acquireRelease(
          Effect.sync(() => add(name, 1, labels)),
          () => Effect.sync(() => add(name, -1, labels))
        ),
      samples: () => Array.from(values.values())
    })
  })
}
