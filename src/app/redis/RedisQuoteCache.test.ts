import { assert, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Option, Redacted, Schedule, Scope } from "effect"
import { Redis } from "ioredis"
import { describe } from "vitest"
import { freshPrefix, ownServices, services } from "../../../test/support/services.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { eventually, known, quoteAt, quoteCacheSuite } from "../../actors/kernel/QuoteCache.suite.ts"
import { QuoteCache } from "../../actors/kernel/QuoteCache.ts"
import { RedisConnection } from "./RedisConnection.ts"
import { RedisQuoteCache } from "./RedisQuoteCache.ts"

const shared = Effect.promise(services).pipe(Effect.map(({ redisUrl }) => redisUrl))

const cacheAt = (url: string, prefix: string, expires?: number) =>
  Layer.provide(RedisQuoteCache.layer({ prefix, expires }), RedisConnection.layer({ url: Redacted.make(url) }))

quoteCacheSuite(
  "Redis",
  Layer.unwrap(Effect.map(shared, (url) => cacheAt(url, `${freshPrefix("quotes")}:`))).pipe(
    Layer.provide(Gauges.layer),
    Layer.orDie
  )
)

/** A cache of its own gauges, living as long as the Scope; ready when Redis is. */
const open = Effect.fnUntraced(function* (url: string, prefix: string, options: { readonly expires?: number } = {}) {
  const logged: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void logged.push(JSON.stringify(message)))
  const context = yield* Layer.build(
    cacheAt(url, prefix, options.expires).pipe(
      Layer.provideMerge(Layer.fresh(Gauges.layer)),
      Layer.provide(Logger.layer([logger]))
    )
  )
  return { cache: Context.get(context, QuoteCache), gauges: Context.get(context, Gauges), logged }
})

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { schedule: Schedule.spaced("5 millis"), until: (met) => met })

const connected = ({ gauges }: { readonly gauges: Gauges["Service"] }) =>
  until(() => gauges.get("redis_connected") === 1)
const gone = ({ gauges }: { readonly gauges: Gauges["Service"] }) => until(() => gauges.get("redis_connected") === 0)

const plainClient = (url: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new Redis(url)),
    (client) => Effect.promise(() => client.quit())
  )

describe("what is in Redis", () => {
  it.live("an older quote of a paused former owner is ignored, over two connections", () =>
    Effect.gen(function* () {
      const url = yield* shared
      const prefix = `${freshPrefix("quotes")}:`
      const former = yield* open(url, prefix)
      const successor = yield* open(url, prefix)
      yield* connected(former)
      yield* connected(successor)
      const newest = quoteAt("AAPL", 2, 1)
      successor.cache.put(newest)
      yield* eventually(successor.cache, newest)
      const mark = quoteAt("MARK", 1, 1)
      former.cache.put(quoteAt("AAPL", 1, 99))
      former.cache.put(mark)
      yield* eventually(successor.cache, mark)
      for (const { cache } of [former, successor]) {
        assert.strictEqual((yield* known(cache, "AAPL")).epoch, 2)
      }
      assert.strictEqual(former.gauges.get("quote_cache_written_total"), 1, "only the mark")
    }).pipe(Effect.scoped)
  )

  it.live("expires, and an ignored put does not make it live longer", () =>
    Effect.gen(function* () {
      const url = yield* shared
      const prefix = `${freshPrefix("quotes")}:`
      const raw = yield* plainClient(url)
      const day = yield* open(url, prefix)
      yield* connected(day)
      day.cache.put(quoteAt("AAPL", 1, 5))
      yield* eventually(day.cache, quoteAt("AAPL", 1, 5))
      const left = yield* Effect.promise(() => raw.pttl(`${prefix}AAPL`))
      assert.isAbove(left, 23 * 3_600_000)
      assert.isAtMost(left, 24 * 3_600_000)

      const hour = yield* open(url, prefix, { expires: 3_600_000 })
      yield* connected(hour)
      hour.cache.put(quoteAt("AAPL", 1, 4))
      hour.cache.put(quoteAt("MSFT", 1, 1))
      yield* eventually(hour.cache, quoteAt("MSFT", 1, 1))
      assert.isAbove(yield* Effect.promise(() => raw.pttl(`${prefix}AAPL`)), 23 * 3_600_000)
      assert.isAtMost(yield* Effect.promise(() => raw.pttl(`${prefix}MSFT`)), 3_600_000)
    }).pipe(Effect.scoped)
  )

  it.live("what is no quote of the symbol is absent and counted, and the next quote replaces it", () =>
    Effect.gen(function* () {
      const url = yield* shared
      const prefix = `${freshPrefix("quotes")}:`
      const raw = yield* plainClient(url)
      const { cache, gauges } = yield* open(url, prefix)
      yield* connected({ gauges })
      const key = `${prefix}AAPL`
      const other = quoteAt("MSFT", 1, 1)
      cache.put(other)
      yield* eventually(cache, other)
      const bytesOfOther = yield* Effect.promise(() => raw.getBuffer(`${prefix}MSFT`))
      const garbage: ReadonlyArray<() => Promise<unknown>> = [
        () => raw.set(key, Buffer.from([0, 255, 10, 13, 0, 128])),
        () => raw.set(key, ""),
        () => raw.set(key, 'AAPL 1 1 1 1\n"s":"AAPL","e":1,"q":1}},{{'),
        () => raw.set(key, 'AAPL 0 1 1 1\n"s":"AAPL","e":0,"q":1'),
        () => raw.set(key, bytesOfOther ?? assert.fail()),
        async () => {
          await raw.del(key)
          await raw.lpush(key, "a list")
        }
      ]
      for (const [index, put] of garbage.entries()) {
        const before = gauges.get("quote_cache_refused_total")
        yield* Effect.promise(put)
        assert.isTrue(Option.isNone(yield* cache.get("AAPL")))
        yield* until(() => gauges.get("quote_cache_refused_total") === before + 1)
        const quote = quoteAt("AAPL", 2, index + 1)
        cache.put(quote)
        yield* eventually(cache, quote)
      }
    }).pipe(Effect.scoped)
  )

  it.live("what was put just before the end is still written", () =>
    Effect.gen(function* () {
      const url = yield* shared
      const prefix = `${freshPrefix("quotes")}:`
      const scope = yield* Scope.make()
      const leaving = yield* open(url, prefix).pipe(Scope.provide(scope))
      yield* connected(leaving)
      leaving.cache.put(quoteAt("AAPL", 1, 1))
      yield* eventually(leaving.cache, quoteAt("AAPL", 1, 1))
      leaving.cache.put(quoteAt("AAPL", 1, 2))
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      assert.strictEqual(leaving.gauges.get("redis_connected"), 0)
      const { cache, gauges } = yield* open(url, prefix)
      yield* connected({ gauges })
      assert.strictEqual((yield* known(cache, "AAPL")).seq, 2)
    }).pipe(Effect.scoped)
  )
})

describe("Redis away", () => {
  /** Puts and gets as fast as the loop turns, for as long as the Scope; `turns` counts them. */
  const load = Effect.fnUntraced(function* (cache: QuoteCache["Service"]) {
    const symbols = Array.from({ length: 50 }, (_, n) => `S${n}`)
    const counts = { turns: 0, seq: 0 }
    const fiber = yield* Effect.gen(function* () {
      counts.seq++
      for (const symbol of symbols) cache.put(quoteAt(symbol, 1, counts.seq))
      yield* Effect.forEach(symbols, (symbol) => cache.get(symbol), { concurrency: "unbounded", discard: true })
      counts.turns++
      yield* Effect.promise(() => new Promise<void>((done) => setImmediate(done)))
    }).pipe(Effect.forever, Effect.forkScoped)
    return { symbols, counts, fiber }
  })
  const more = ({ counts }: { readonly counts: { readonly turns: number } }, turns: number) => {
    const from = counts.turns
    return until(() => counts.turns >= from + turns)
  }

  it.live("killed and started again under load: nothing fails, one line each, and the latest values are written", () =>
    Effect.gen(function* () {
      const { control, redisUrl } = yield* ownServices(["redis"])
      const node = yield* open(redisUrl, "lzstock:quotes:")
      yield* connected(node)
      const running = yield* load(node.cache)
      for (let round = 0; round < 3; round++) {
        yield* more(running, 5)
        yield* control("redis", "kill")
        yield* gone(node)
        yield* more(running, 5)
        assert.isTrue(Option.isNone(yield* node.cache.get("S0")), "at once: the load goes on turning")
        yield* control("redis", "start")
        yield* connected(node)
        yield* more(running, 5)
      }
      yield* Fiber.interrupt(running.fiber)
      for (const symbol of running.symbols) {
        yield* eventually(node.cache, quoteAt(symbol, 1, running.counts.seq))
      }
      assert.deepEqual(
        node.logged.map((line) => (line.includes("away") ? "away" : line)),
        Array.from({ length: 3 }, () => ["away", '["Redis is back"]']).flat()
      )
      assert.isAbove(node.gauges.get("quote_cache_dropped_total", 'reason="away"'), 0)
    }).pipe(Effect.scoped)
  )

  it.live("not there at the start: the process starts, and uses it once it is", () =>
    Effect.gen(function* () {
      const { control, redisUrl } = yield* ownServices(["redis"])
      yield* control("redis", "stop")
      const node = yield* open(redisUrl, "lzstock:quotes:")
      yield* until(() => node.logged.length > 0)
      node.cache.put(quoteAt("AAPL", 1, 1))
      node.cache.put(quoteAt("AAPL", 1, 2))
      node.cache.put(quoteAt("AAPL", 1, 3))
      assert.isTrue(Option.isNone(yield* node.cache.get("AAPL")))
      assert.strictEqual(node.gauges.get("quote_cache_dropped_total", 'reason="away"'), 2)
      yield* control("redis", "start")
      yield* eventually(node.cache, quoteAt("AAPL", 1, 3))
      assert.lengthOf(node.logged, 2)
    }).pipe(Effect.scoped)
  )

  it.live("paused: get knows nothing and does not wait for it, puts wait; afterwards everything is there", () =>
    Effect.gen(function* () {
      const { control, redisUrl } = yield* ownServices(["redis"])
      const node = yield* open(redisUrl, "lzstock:quotes:")
      yield* connected(node)
      node.cache.put(quoteAt("AAPL", 1, 1))
      yield* eventually(node.cache, quoteAt("AAPL", 1, 1))
      yield* control("redis", "pause")
      for (let seq = 2; seq <= 4; seq++) {
        node.cache.put(quoteAt("AAPL", 1, seq))
        assert.isTrue(Option.isNone(yield* node.cache.get("AAPL")))
      }
      // one deadline each would outlast this test by far
      for (let n = 0; n < 2_000; n++) yield* node.cache.get("AAPL")
      yield* control("redis", "continue")
      yield* eventually(node.cache, quoteAt("AAPL", 1, 4))
      assert.deepEqual(node.logged, [])
    }).pipe(Effect.scoped)
  )

  it.live("killed with a write under way: it is written when Redis is back, unless a newer one was put", () =>
    Effect.gen(function* () {
      const { control, redisUrl } = yield* ownServices(["redis"])
      const node = yield* open(redisUrl, "lzstock:quotes:")
      yield* connected(node)
      yield* control("redis", "pause")
      node.cache.put(quoteAt("AAPL", 1, 1))
      node.cache.put(quoteAt("MSFT", 1, 1))
      // its deadline is later than the write
      assert.isTrue(Option.isNone(yield* node.cache.get("AAPL")))
      node.cache.put(quoteAt("MSFT", 1, 2))
      yield* control("redis", "kill")
      yield* gone(node)
      yield* control("redis", "start")
      yield* eventually(node.cache, quoteAt("AAPL", 1, 1))
      yield* eventually(node.cache, quoteAt("MSFT", 1, 2))
    }).pipe(Effect.scoped)
  )

  it.live("paused for ever: given up, and the end does not wait for it", () =>
    Effect.gen(function* () {
      const { control, redisUrl } = yield* ownServices(["redis"])
      const scope = yield* Scope.make()
      const node = yield* open(redisUrl, "lzstock:quotes:").pipe(Scope.provide(scope))
      yield* connected(node)
      const brief = yield* Scope.make()
      const hasty = yield* open(redisUrl, "lzstock:quotes:").pipe(Scope.provide(brief))
      yield* connected(hasty)
      yield* control("redis", "pause")
      for (const { cache } of [node, hasty]) cache.put(quoteAt("AAPL", 1, 1))
      yield* Scope.close(brief, yield* Effect.exit(Effect.void))
      yield* gone(node)
      assert.lengthOf(node.logged, 1)
      assert.include(node.logged[0], "nobody can sign in")
      node.cache.put(quoteAt("AAPL", 1, 2))
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* control("redis", "continue")
    }).pipe(Effect.scoped)
  )
})

describe("the URL", () => {
  it.live("is refused without being repeated", () =>
    Effect.gen(function* () {
      for (const url of ["http://user:s3cret@host", "redis://user:s3cret@ho st:x", "redis://user:s3cret%zz@host"]) {
        const error = yield* Effect.flip(open(url, "x"))
        assert.strictEqual(error._tag, "RedisUrlInvalid")
        assert.notInclude(String(error.stack) + JSON.stringify(error), "s3cret")
      }
    }).pipe(Effect.scoped)
  )

  it.live("its password is in no line of the log, also when Redis refuses it", () =>
    Effect.gen(function* () {
      const { redisUrl } = yield* ownServices(["redis"])
      const raw = yield* plainClient(redisUrl)
      const url = new URL(redisUrl)
      url.username = "nobody"
      url.password = "s3cret"
      const node = yield* open(url.href, "x")
      const attempts = Effect.promise(() => raw.info("stats")).pipe(
        Effect.map((stats) => Number(/total_connections_received:(\d+)/.exec(stats)?.[1]))
      )
      const before = yield* attempts
      yield* Effect.repeat(attempts, { schedule: Schedule.spaced("5 millis"), until: (now) => now >= before + 4 })
      yield* until(() => node.logged.length > 0)
      assert.lengthOf(node.logged, 1, "once, however often it is tried")
      assert.include(node.logged[0], "WRONGPASS")
      assert.notInclude(node.logged.join(), "s3cret")
      assert.isTrue(Option.isNone(yield* node.cache.get("AAPL")))
    }).pipe(Effect.scoped)
  )
})
