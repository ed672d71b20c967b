/**
 * This process's one connection to Redis, which holds only what may be forgotten. It need not be there when the process starts;
 * it is dialled again for ever. While it is away commands fail at once: nothing waits for it, nothing is sent twice.
 */
import { Context, Effect, Layer, Redacted, Schema, type Scope } from "effect"
import { Redis } from "ioredis"
import { Gauges } from "../../actors/kernel/Gauges.ts"

/** Not the words of the URL parser: they repeat the URL, password included. */
export class RedisUrlInvalid extends Schema.TaggedError<RedisUrlInvalid>()("RedisUrlInvalid", {}) {
  override get message(): string {
    return "The configured URL is not a URL of Redis: write it like redis://user:password@host:6379/0, or rediss:// for TLS."
  }
}

/** With commands under way, a server silent for this long is given up and dialled again. */
const SILENCE_MILLIS = 5_000
const RECONNECT_MILLIS = 100
const RECONNECT_MAX_MILLIS = 1_000
const CLOSE_TIMEOUT = "1 second"

export class RedisConnection extends Context.Service<
  RedisConnection,
  {
    readonly client: Redis
    readonly isUp: () => boolean
    /** Called each time the connection is there, the first time too. */
    readonly onUp: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("lzstock/app/redis/RedisConnection") {
  /** `url`: `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS. */
  static readonly layer = (options: {
    readonly url: Redacted.Redacted<string>
  }): Layer.Layer<RedisConnection, RedisUrlInvalid, Gauges> => Layer.effect(RedisConnection, make(options.url))
}

const dial = (url: Redacted.Redacted<string>) =>
  Effect.try({
    try: () => {
      const text = Redacted.value(url)
      if (!/^rediss?:\/\//.test(text)) throw new RedisUrlInvalid()
      return new Redis(text, {
        connectionName: "lzstock",
        disableClientInfo: true,
        lazyConnect: true,
        enableOfflineQueue: false,
        enableAutoPipelining: true,
        // what was under way when the connection broke fails then, and is not sent again
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        socketTimeout: SILENCE_MILLIS,
        disconnectTimeout: 500,
        retryStrategy: (attempt) => Math.min(RECONNECT_MILLIS * attempt, RECONNECT_MAX_MILLIS)
      })
    },
    catch: () => new RedisUrlInvalid()
  })

/** Only ever the text: an error of Redis carries its command, which may be the password. */
const reasonOf = (error: Error): string => {
  const { code } = error as NodeJS.ErrnoException
  return error.message === "" ? (code ?? error.name) : error.message
}

const close = (client: Redis) =>
  Effect.gen(function* () {
    // asks for an answer: not of a server that is away
    if (client.status === "ready") {
      yield* Effect.tryPromise(() => client.quit()).pipe(Effect.timeoutOption(CLOSE_TIMEOUT), Effect.ignore)
    }
    if (client.status === "end") return
    yield* Effect.callback<void>((resume) => {
      client.once("end", () => resume(Effect.void))
      client.disconnect()
    }).pipe(Effect.timeoutOption(CLOSE_TIMEOUT))
  }).pipe(Effect.interruptible)

const make = Effect.fnUntraced(function* (url: Redacted.Redacted<string>) {
  const gauges = yield* Gauges
  const log = Effect.runForkWith(yield* Effect.context<never>())
  let state: "new" | "up" | "away" | "closing" = "new"
  let reason = "no answer"
  gauges.set("redis_connected", 0)

  const client = yield* Effect.acquireRelease(dial(url), (opened) =>
    Effect.suspend(() => {
      state = "closing"
      gauges.set("redis_connected", 0)
      return close(opened)
    })
  )
  client.on("error", (error: Error) => {
    reason = reasonOf(error)
  })
  client.on("ready", () => {
    if (state === "closing") return
    if (state === "away") log(Effect.logInfo("Redis is back"))
    state = "up"
    gauges.set("redis_connected", 1)
  })
  client.on("close", () => {
    if (state === "closing" || state === "away") return
    state = "away"
    gauges.set("redis_connected", 0)
    log(
      Effect.logWarning("Redis is away: quotes come slower, nobody can sign in or connect anew until it is back", {
        reason
      })
    )
    reason = "no answer"
  })
  client.connect().catch(() => {})

  return RedisConnection.of({
    client,
    isUp: () => client.status === "ready",
    onUp: (listener) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => client.on("ready", listener)),
          () => Effect.sync(() => client.off("ready", listener))
        )
      )
  })
})
