/** How this process is told to end: once politely, twice firmly, and never later than its budget. */
import { Effect } from "effect"

/** npm hands a terminal's Ctrl-C on to its child, which got it from the terminal already: that is one request, not two. */
const SAME_REQUEST_MILLIS = 500

/** Succeeds at the first SIGINT or SIGTERM. A later one ends the process at once with code 1. */
export const stopRequested: Effect.Effect<NodeJS.Signals> = Effect.callback((resume) => {
  let askedAt: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (askedAt === undefined) {
      askedAt = now
      resume(Effect.succeed(signal))
    } else if (now - askedAt > SAME_REQUEST_MILLIS) {
      process.exit(1)
    }
  }
  process.on("SIGINT", onSignal)
  process.on("SIGTERM", onSignal)
})

/** From now on the process has this long to live, whatever hangs. */
export const exitWithin = (millis: number): Effect.Effect<void> =>
  Effect.sync(() => {
    setTimeout(() => {
      process.stderr.write(`lzstock: not everything closed within ${millis / 1000} s; leaving anyway\n`)
      process.exit(0)
    }, millis).unref()
  })
