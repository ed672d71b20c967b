import { assert, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { quoteAt, quoteCacheSuite } from "./QuoteCache.suite.ts"
import { QuoteCache } from "./QuoteCache.ts"

quoteCacheSuite("in memory", QuoteCache.layerMemory)

it.effect("QuoteCache: none knows nothing", () =>
  Effect.gen(function* () {
    const cache = yield* QuoteCache
    cache.put(quoteAt("AAPL", 1, 1))
    assert.isTrue(Option.isNone(yield* cache.get("AAPL")))
  }).pipe(Effect.provide(QuoteCache.layerNone))
)
