/** Whether this process may take new sessions; `/readyz` and the WebSocket upgrade ask it. */
import { Context, Layer } from "effect"

export type Phase = "starting" | "ready" | "draining"

export class Readiness extends Context.Service<
  Readiness,
  {
    readonly phase: () => Phase
    /** starting → ready → draining; there is no way back from draining. */
    readonly advance: (to: Exclude<Phase, "starting">) => void
  }
>()("lzstock/app/gateway/Readiness") {
  static readonly layer: Layer.Layer<Readiness> = Layer.sync(Readiness, () => {
    let phase: Phase = "starting"
    return Readiness.of({
      phase: () => phase,
      advance: (to) => {
        if (phase !== "draining") phase = to
      }
    })
  })
}
