/** How Redis is asked what somebody waits for: not for longer than a deadline. */
import { Effect } from "effect"
import type { RedisConnection } from "./RedisConnection.ts"

/** While an answer is overdue, nobody else is made to wait for this server. Fails with the reason. */
export const askWithin = (redis: typeof RedisConnection.Service, deadline: "1 second" | "250 millis") => {
  let overdue = 0
  return <A>(call: () => Promise<A>): Effect.Effect<A, string> =>
    Effect.suspend(() => {
      if (!redis.isUp()) return Effect.fail("not connected")
      if (overdue > 0) return Effect.fail("still no answer")
      let answered = false
      let late = false
      const done = <B>(answer: B): B => {
        answered = true
        if (late) overdue--
        return answer
      }
      // never rejects: whoever asked may have been interrupted
      const answer = call().then(
        (value) => done(Effect.succeed(value)),
        (error: unknown) => done(Effect.fail(error instanceof Error ? error.message : "no answer"))
      )
      return Effect.promise(() => answer).pipe(
        Effect.flatten,
        Effect.timeoutOrElse({
          duration: deadline,
          orElse: () => {
            late = !answered
            if (late) overdue++
            return Effect.fail(`no answer within ${deadline}`)
          }
        })
      )
    })
}
