/**
 * QuoteCache in Redis: one key a symbol, `<prefix><symbol>`, holding the bytes that also cross the bus (quoteCodec).
 * Comes from: ticker actors (put). Goes to: QuoteHub of every node (get), while the actor of a symbol is cold.
 */
import { Duration, Effect, Latch, Layer, Option } from "effect"
import type { Result } from "ioredis"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { isNewer, QuoteCache } from "../../actors/kernel/QuoteCache.ts"
import { quoteCodec } from "../../rpc/topicCodecs.ts"
import type { QuoteUpdate } from "../../rpc/topics.ts"
import { askWithin } from "./ask.ts"
import { RedisConnection } from "./RedisConnection.ts"

export interface RedisQuoteCacheOptions {
  /** Before every symbol, so that systems can share a server: `lzstock:quotes:`. */
  readonly prefix: string
  /** How long a quote is kept after it was written; 24 hours if absent. */
  readonly expires?: Duration.Input | undefined
}

const FLUSH_PAUSE = "100 millis"
const GET_DEADLINE = "250 millis"
const CLOSING_FLUSH_DEADLINE = "1 second"

/**
 * KEYS[1]; ARGV: bytes, epoch, seq, milliseconds to live. Keeps what is newer, and replaces whatever is no quote. Answers 1 if
 * it wrote. Compared in Redis: an owner that was paused past its time must not undo what its successor wrote.
 */
const KEEP_NEWEST = `
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'string' then
  local epoch, seq = string.match(kept, '^%S+ (%d+) (%d+) ')
  if epoch then
    epoch, seq = tonumber(epoch), tonumber(seq)
    local newEpoch, newSeq = tonumber(ARGV[2]), tonumber(ARGV[3])
    if epoch > newEpoch or (epoch == newEpoch and seq >= newSeq) then return 0 end
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
return 1
`

declare module "ioredis" {
  interface RedisCommander<Context> {
    keepNewest(key: string, bytes: Buffer, epoch: number, seq: number, millis: number): Result<number, Context>
  }
}

const isReply = (error: Error): boolean => error.name === "ReplyError"

const make = Effect.fnUntraced(function* (options: RedisQuoteCacheOptions) {
  const gauges = yield* Gauges
  const redis = yield* RedisConnection
  const { client } = redis
  client.defineCommand("keepNewest", { lua: KEEP_NEWEST, numberOfKeys: 1 })
  const millis = Math.max(1, Math.round(Duration.toMillis(Duration.fromInputUnsafe(options.expires ?? "24 hours"))))
  const keyOf = (symbol: string) => `${options.prefix}${symbol}`

  // ---- put: the newest of each symbol waits here, so there are never more than symbols
  const waiting = new Map<string, QuoteUpdate>()
  const due = Latch.makeUnsafe(false)
  const wake = () => {
    if (waiting.size > 0 && redis.isUp()) due.openUnsafe()
  }
  const wait = (quote: QuoteUpdate): void => {
    const other = waiting.get(quote.symbol)
    if (other === undefined || isNewer(quote, other)) waiting.set(quote.symbol, quote)
  }

  const write = (batch: ReadonlyArray<QuoteUpdate>) =>
    Effect.tryPromise(() => {
      const pipeline = client.pipeline()
      for (const quote of batch) {
        const { buffer, byteLength, byteOffset } = quoteCodec.encode(quote)
        const bytes = Buffer.from(buffer, byteOffset, byteLength)
        pipeline.keepNewest(keyOf(quote.symbol), bytes, quote.epoch, quote.seq, millis)
      }
      return pipeline.exec()
    }).pipe(Effect.orElseSucceed(() => null))

  let refusing = false
  const flush = Effect.gen(function* () {
    due.closeUnsafe()
    const batch = Array.from(waiting.values())
    waiting.clear()
    const results = yield* write(batch)
    let written = 0
    let refusal: string | undefined
    for (const [index, quote] of batch.entries()) {
      const [error, answer] = results?.[index] ?? [new Error("not sent")]
      if (error === null) written += answer === 1 ? 1 : 0
      else if (!isReply(error)) wait(quote)
      else {
        // Redis itself does not want it (full, read only): it would not want it again either
        refusal = error.message
        gauges.add("quote_cache_dropped_total", 1, 'reason="refused"')
      }
    }
    gauges.add("quote_cache_written_total", written)
    if (refusal !== undefined && !refusing)
      yield* Effect.logWarning("Redis refuses to keep quotes", { reason: refusal })
    refusing = refusal !== undefined
  })

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() =>
      waiting.size === 0 || !redis.isUp()
        ? Effect.void
        : flush.pipe(Effect.interruptible, Effect.timeoutOption(CLOSING_FLUSH_DEADLINE))
    )
  )
  yield* redis.onUp(wake)
  yield* due.await.pipe(
    Effect.andThen(flush),
    Effect.andThen(Effect.sleep(FLUSH_PAUSE)),
    // what a broken connection left unwritten waits for the next one
    Effect.andThen(Effect.sync(wake)),
    Effect.forever,
    Effect.forkScoped
  )

  // ---- get
  const ask = askWithin(redis, GET_DEADLINE)
  const refused = (): Option.Option<QuoteUpdate> => {
    gauges.add("quote_cache_refused_total", 1)
    return Option.none()
  }
  const read = async (symbol: string): Promise<Option.Option<QuoteUpdate>> => {
    let bytes: Buffer | null
    try {
      bytes = await client.getBuffer(keyOf(symbol))
    } catch (error) {
      return error instanceof Error && isReply(error) ? refused() : Option.none()
    }
    if (bytes === null) return Option.none()
    try {
      // copied: a view would keep all that arrived with it
      const quote = quoteCodec.decode(Uint8Array.from(bytes))
      return quote.symbol === symbol && quote.epoch > 0 ? Option.some(quote) : refused()
    } catch {
      return refused()
    }
  }

  return QuoteCache.of({
    put: (quote) => {
      if (!redis.isUp() && waiting.has(quote.symbol)) gauges.add("quote_cache_dropped_total", 1, 'reason="away"')
      wait(quote)
      wake()
    },
    get: (symbol) =>
      Effect.orElseSucceed(
        ask(() => read(symbol)),
        Option.none<QuoteUpdate>
      )
  })
})

export const RedisQuoteCache = {
  layer: (options: RedisQuoteCacheOptions): Layer.Layer<QuoteCache, never, Gauges | RedisConnection> =>
    Layer.effect(QuoteCache, make(options))
}
