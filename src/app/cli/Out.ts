/** The two streams a command speaks on. One place knows about terminals, colours, slow readers and readers that left. */
import { Context, Deferred, Effect, Layer } from "effect"

export class Out extends Context.Service<
  Out,
  {
    /** Standard output is a terminal that can be redrawn. */
    readonly isTerminal: boolean
    readonly colours: boolean
    readonly columns: () => number
    readonly rows: () => number
    /** To standard output; waits while its reader is slow. */
    readonly write: (text: string) => Effect.Effect<void>
    /** One line to standard error. */
    readonly note: (line: string) => Effect.Effect<void>
    /** Completes when nobody reads standard output any more (`| head`). */
    readonly closed: Effect.Effect<void>
  }
>()("lzstock/app/cli/Out") {
  static readonly layerProcess: Layer.Layer<Out> = Layer.sync(Out, () => {
    const { env, stderr, stdout } = process
    const closed = Deferred.makeUnsafe<void>()
    // also keeps an EPIPE from ending the process with a stack trace
    stdout.on("error", () => Deferred.doneUnsafe(closed, Effect.void))
    stderr.on("error", () => {})
    const isTerminal = stdout.isTTY === true && env.TERM !== "dumb"
    const noColour = env.NO_COLOR !== undefined && env.NO_COLOR !== ""
    const write = (text: string): Effect.Effect<void> =>
      Effect.callback<void>((resume) => {
        if (stdout.write(text)) return resume(Effect.void)
        const done = () => resume(Effect.void)
        stdout.once("drain", done)
        return Effect.sync(() => stdout.removeListener("drain", done))
      })
    return Out.of({
      isTerminal,
      colours: isTerminal && !noColour,
      columns: () => stdout.columns ?? 80,
      rows: () => stdout.rows ?? 24,
      write: (text) => (text === "" ? Effect.void : Effect.raceFirst(write(text), Deferred.await(closed))),
      note: (line) => Effect.sync(() => void stderr.write(`${line}\n`)),
      closed: Deferred.await(closed)
    })
  })
}

/** Lines in pieces of some 64 KB: one write each, and no text held whole. */
export const writeLines = (lines: Iterable<string>): Effect.Effect<void, never, Out> =>
  Effect.gen(function* () {
    const out = yield* Out
    let text = ""
    for (const line of lines) {
      text += line
      if (text.length < 65_536) continue
      yield* out.write(text)
      text = ""
    }
    yield* out.write(text)
  })

export const writeJson = (value: unknown): Effect.Effect<void, never, Out> =>
  Effect.flatMap(Out, (out) => out.write(`${JSON.stringify(value)}\n`))
