/**
 * Attempts in Redis, the same for all nodes: one key a bucket, `<prefix><key>`, which says when the bucket is full again and goes
 * then. By the clock of Redis: by its own, a node whose clock is behind would grant nobody what one that is ahead has counted.
 */
import { Clock, Effect, Layer } from "effect"
import type { Result } from "ioredis"
import { AttemptBuckets, Attempts } from "../../actors/investors/Attempts.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { RedisConnection } from "./RedisConnection.ts"

export interface RedisAttemptsOptions {
  /** Before every key, so that systems can share a server: `lzstock:attempts:`. */
  readonly prefix: string
}

const DEADLINE = "250 millis"

/** KEYS[1]; ARGV: burst, ms for one more. As AttemptBuckets.take; what is no bucket is a full one. */
const TAKE_ATTEMPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local every = tonumber(ARGV[2])
local kept = redis.pcall('GET', KEYS[1])
local from = math.max(now, type(kept) == 'string' and tonumber(kept) or 0)
-- further ahead no bucket of this limit can be
from = math.min(from, now + tonumber(ARGV[1]) * every)
local wait = from - now - (tonumber(ARGV[1]) - 1) * every
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', from + every), 'PX', math.max(1, math.ceil(from + every - now)))
return 0
`

declare module "ioredis" {
  interface RedisCommander<Context> {
    takeAttempt(key: string, burst: number, everyMillis: number): Result<number, Context>
  }
}

const layer = (options: RedisAttemptsOptions): Layer.Layer<Attempts, never, Gauges | RedisConnection> =>
  Layer.effect(
    Attempts,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const redis = yield* RedisConnection
      redis.client.defineCommand("takeAttempt", { lua: TAKE_ATTEMPT, numberOfKeys: 1 })
      const buckets = new AttemptBuckets()
      /** Answers that are overdue. While there are any, nobody else is made to wait for this server. */
      let overdue = 0

      return Attempts.of({
        take: (key, limit) => {
          const alone = Effect.map(Clock.currentTimeMillis, (now) => {
            gauges.add("attempts_counted_alone_total", 1)
            return buckets.take(key, limit, now)
          })
          return Effect.suspend(() => {
            if (overdue > 0 || !redis.isUp()) return alone
            let answered = false
            let late = false
            const done = <A>(answer: A): A => {
              answered = true
              if (late) overdue--
              return answer
            }
            const answer = redis.client
              .takeAttempt(`${options.prefix}${key}`, limit.burst, limit.everyMillis)
              .then(done, () => done(undefined))
            return Effect.promise(() => answer).pipe(
              Effect.flatMap((wait) => (wait === undefined ? alone : Effect.succeed(wait))),
              Effect.timeoutOrElse({
                duration: DEADLINE,
                orElse: () =>
                  Effect.suspend(() => {
                    late = !answered
                    if (late) overdue++
                    return alone
                  })
              })
            )
          })
        }
      })
    })
  )

export const RedisAttempts = { layer }
