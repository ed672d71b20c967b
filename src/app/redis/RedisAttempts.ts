/**
 * Attempts in Redis, the same for all nodes: one key a bucket, `<prefix><key>`, which says when the bucket is full again and goes
 * then. By the clock of Redis: by its own, a node whose clock is behind would grant nobody what one that is ahead has counted.
 */
import { Clock, Effect, Layer } from "effect"
import type { Result } from "ioredis"
import { AttemptBuckets, Attempts } from "../../actors/investors/Attempts.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { askWithin } from "./ask.ts"
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
local ahead = math.max(now, type(kept) == 'string' and tonumber(kept) or 0)
-- further ahead no bucket of this limit can be: the clock was set back
local from = math.min(ahead, now + tonumber(ARGV[1]) * every)
local wait = from - now - (tonumber(ARGV[1]) - 1) * every
local function keep(fullAt)
  redis.call('SET', KEYS[1], string.format('%.3f', fullAt), 'PX', math.max(1, math.ceil(fullAt - now)))
end
if wait > 0 then
  -- else the next try would find it as far ahead again
  if ahead > from then keep(from) end
  return math.ceil(wait)
end
keep(from + every)
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
      const ask = askWithin(redis, DEADLINE)

      return Attempts.of({
        take: (key, limit) =>
          Effect.catch(
            ask(() => redis.client.takeAttempt(`${options.prefix}${key}`, limit.burst, limit.everyMillis)),
            () =>
              Effect.map(Clock.currentTimeMillis, (now) => {
                gauges.add("attempts_counted_alone_total", 1)
                return buckets.take(key, limit, now)
              })
          )
      })
    })
  )

export const RedisAttempts = { layer }
