/** Redraws a block of lines where it stands on a terminal: no alternate screen, so the last state stays after the end. */
import { Effect, type Scope } from "effect"
import { Out } from "../Out.ts"

const HIDE_CURSOR = "\u001b[?25l"
const SHOW_CURSOR = "\u001b[?25h"
const CLEAR_BELOW = "\u001b[J"
const CLEAR_REST = "\u001b[K"

export interface Painter {
  /** Replaces what was drawn before; one write. No line may be wider than the terminal. */
  readonly draw: (lines: ReadonlyArray<string>) => Effect.Effect<void>
}

/** The cursor is hidden until the scope closes, however it does. */
export const makePainter: Effect.Effect<Painter, never, Out | Scope.Scope> = Effect.gen(function* () {
  const out = yield* Out
  let drawn = 0
  yield* Effect.acquireRelease(out.write(HIDE_CURSOR), () => out.write(SHOW_CURSOR))
  return {
    draw: (lines) =>
      Effect.suspend(() => {
        const up = drawn === 0 ? "" : `\u001b[${drawn}A`
        drawn = lines.length
        return out.write(`${up}\r${lines.map((line) => `${line}${CLEAR_REST}\n`).join("")}${CLEAR_BELOW}`)
      })
  }
})
