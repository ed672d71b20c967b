import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Redacted, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { Redis } from "ioredis"
import { freshPrefix, ownServices, services } from "../../../test/support/services.ts"
import { attemptsSuite } from "../../actors/investors/Attempts.suite.ts"
import { Attempts } from "../../actors/investors/Attempts.ts"
import { NOW, signInOf, signInsSuite, ticketOf } from "../../actors/investors/SignIns.suite.ts"
import { SignIns } from "../../actors/investors/SignIns.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { RedisAttempts } from "./RedisAttempts.ts"
import { RedisConnection } from "./RedisConnection.ts"
import { RedisSignIns } from "./RedisSignIns.ts"

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
const shared = Effect.promise(services).pipe(Effect.map(({ redisUrl }) => redisUrl))

/** What came from outside meanwhile has been seen. */
const turn = Effect.promise(() => new Promise<void>((done) => setImmediate(done)))
const until = (condition: () => boolean) => Effect.repeat(turn, { until: condition })

/** Once the connection is there. */
const connected = Layer.effectDiscard(Effect.flatMap(RedisConnection, (redis) => until(redis.isUp)))

const storesAt = (url: string, prefix: string) =>
  Layer.mergeAll(RedisSignIns.layer({ prefix }), RedisAttempts.layer({ prefix })).pipe(
    Layer.provideMerge(connected),
    Layer.provideMerge(RedisConnection.layer({ url: Redacted.make(url) })),
    Layer.provideMerge(Layer.fresh(Gauges.layer)),
    Layer.orDie
  )

signInsSuite("RedisSignIns", Layer.unwrap(Effect.map(shared, (url) => storesAt(url, `${freshPrefix("signins")}:`))))

/** Of the suite's test that runs. */
let attemptsPrefix = ""
/** Redis's own clock stands in nobody's power: the buckets are moved instead. */
const elapse = (millis: number) =>
  Effect.gen(function* () {
    const client = new Redis(yield* shared)
    for (const key of yield* Effect.promise(() => client.keys(`${attemptsPrefix}*`))) {
      const fullAt = yield* Effect.promise(() => client.get(key))
      yield* Effect.promise(() => client.set(key, String(Number(fullAt) - millis)))
    }
    yield* Effect.promise(() => client.quit())
  })
attemptsSuite(
  "RedisAttempts",
  Layer.unwrap(
    Effect.map(shared, (url) => {
      attemptsPrefix = `${freshPrefix("attempts")}:`
      return storesAt(url, attemptsPrefix)
    })
  ),
  elapse
)

/** A node of its own, living as long as the Scope. */
const open = Effect.fnUntraced(function* (url: string, prefix: string) {
  const context = yield* Layer.build(Layer.fresh(storesAt(url, prefix)))
  return {
    signIns: Context.get(context, SignIns),
    attempts: Context.get(context, Attempts),
    gauges: Context.get(context, Gauges),
    client: Context.get(context, RedisConnection).client,
    isUp: Context.get(context, RedisConnection).isUp
  }
})

const fresh = Effect.gen(function* () {
  const prefix = `${freshPrefix("investors")}:`
  const node = yield* open(yield* shared, prefix)
  return { ...node, prefix, keys: Effect.promise(async () => (await node.client.keys(`${prefix}*`)).sort()) }
})

describe("sign-ins in Redis", () => {
  it.effect("go by themselves when they expire, with all that was about them", () =>
    Effect.gen(function* () {
      const { client, keys, prefix, signIns } = yield* fresh
      yield* signIns.put(signInOf("ann", "a", { expiresAt: NOW + DAY, endsAt: NOW + 30 * DAY }))
      yield* signIns.put(signInOf("ann", "b", { expiresAt: NOW + DAY, endsAt: NOW + 2 * DAY }))
      yield* signIns.seen(["a"], NOW + HOUR, 2 * DAY)
      yield* signIns.redeem(ticketOf("n", "a"))
      yield* signIns.redeem(ticketOf("late", "a", NOW + HOUR))
      const left = (key: string) => Effect.promise(() => client.pttl(`${prefix}${key}`))
      for (const [key, millis] of [
        ["s:a", 2 * DAY],
        ["s:b", DAY],
        ["i:ann", 30 * DAY],
        ["t:n", HOUR + 60_000],
        ["t:late", HOUR + 60_000]
      ] as const) {
        const its = yield* left(key)
        assert.isAtMost(its, millis)
        assert.isAbove(its, millis - 20_000)
      }
      assert.lengthOf(yield* keys, 5)
      yield* signIns.endAll("ann", { tokens: true })
      assert.deepStrictEqual(
        yield* keys,
        ["t:late", "t:n"].map((key) => prefix + key)
      )
    }).pipe(Effect.scoped)
  )

  it.effect("an investor's set is rid of those that are gone, and none that has expired is put", () =>
    Effect.gen(function* () {
      const { client, keys, prefix, signIns } = yield* fresh
      const members = Effect.promise(async () => (await client.zrange(`${prefix}i:ann`, "0", "-1")).sort())
      for (const id of ["a", "b", "c"]) yield* signIns.put(signInOf("ann", id))
      yield* Effect.promise(() => client.del(`${prefix}s:a`))
      yield* signIns.put(signInOf("ann", "d"))
      assert.deepStrictEqual(yield* members, ["b", "c", "d"])
      yield* Effect.promise(() => client.del(`${prefix}s:b`))
      yield* signIns.list("ann", NOW)
      assert.deepStrictEqual(yield* members, ["c", "d"])
      yield* Effect.promise(() => client.del(`${prefix}s:c`))
      yield* signIns.endAll("ann", { tokens: true })
      assert.deepStrictEqual(yield* members, [])
      yield* signIns.put(signInOf("ann", "e"))
      yield* signIns.put(signInOf("ann", "e", { lastSeenAt: NOW + DAY, expiresAt: NOW + DAY }))
      assert.isUndefined(yield* signIns.find("e", NOW))
      assert.deepStrictEqual(yield* keys, [])
    }).pipe(Effect.scoped)
  )

  it.effect("one that Redis forgot in its investor's set is none: ending all of them must leave nobody behind", () =>
    Effect.gen(function* () {
      const { client, prefix, signIns } = yield* fresh
      yield* signIns.put(signInOf("ann", "a"))
      yield* Effect.promise(() => client.del(`${prefix}i:ann`))
      assert.isUndefined(yield* signIns.find("a", NOW))
      assert.strictEqual((yield* signIns.seen(["a"], NOW, DAY)).size, 0)
      assert.strictEqual(yield* signIns.redeem(ticketOf("n", "a")), "ended")
      assert.isFalse(yield* signIns.end("ann", "a"))
    }).pipe(Effect.scoped)
  )

  it.effect("those that come while some are on their way go together", () =>
    Effect.gen(function* () {
      const { redisUrl } = yield* ownServices(["redis"])
      const { client, signIns } = yield* open(redisUrl, "x:")
      yield* signIns.put(signInOf("ann", "a"))
      const numbers = Array.from({ length: 10_000 }, (_, n) => n)
      const answers = yield* Effect.forEach(numbers, (n) => signIns.redeem(ticketOf(`n${n}`, "a")), {
        concurrency: "unbounded"
      })
      assert.isTrue(answers.every((answer) => answer === "good"))
      yield* Effect.forEach(numbers, () => signIns.find("a", NOW), { concurrency: "unbounded", discard: true })
      const stats = yield* Effect.promise(() => client.info("commandstats"))
      const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0)
      assert.isAtMost(calls, 150)
    }).pipe(Effect.scoped)
  )

  it.effect("what makes no sense is taken for absent, and makes way", () =>
    Effect.gen(function* () {
      const { client, prefix, signIns } = yield* fresh
      const key = `${prefix}s:a`
      const own = `${prefix}i:ann`
      const garbage: ReadonlyArray<() => Promise<unknown>> = [
        () => client.set(key, "text"),
        () => client.lpush(key, "a list"),
        () => client.hset(key, { investor: "ann" }),
        () => client.set(own, "text"),
        () => client.hset(own, { a: "1" })
      ]
      for (const put of garbage) {
        yield* signIns.put(signInOf("ann", "a"))
        assert.isDefined(yield* signIns.find("a", NOW))
        yield* Effect.promise(() => client.del(key))
        yield* Effect.promise(() => client.del(own))
        yield* Effect.promise(put)
        assert.isUndefined(yield* signIns.find("a", NOW))
        assert.deepStrictEqual(yield* signIns.list("ann", NOW), [])
        assert.strictEqual(yield* signIns.redeem(ticketOf("n", "a")), "ended")
        assert.strictEqual((yield* signIns.seen(["a"], NOW, DAY)).size, 0)
        assert.isFalse(yield* signIns.end("ann", "a"))
        assert.deepStrictEqual(yield* signIns.endAll("ann", { tokens: true }), [])
      }
      for (const [field, value] of [
        ["kind", "robot"],
        ["secretHash", "!"],
        ["createdAt", "yesterday"],
        ["expiresAt", "never"]
      ] as const) {
        yield* signIns.put(signInOf("ann", "a"))
        yield* Effect.promise(() => client.hset(key, { [field]: value }))
        assert.isUndefined(yield* signIns.find("a", NOW))
        assert.deepStrictEqual(yield* signIns.list("ann", NOW), [])
      }
    }).pipe(Effect.scoped)
  )
})

describe("attempts in Redis", () => {
  const limit = { burst: 2, everyMillis: HOUR }

  it.effect("are counted for all nodes together, whatever time they think it is", () =>
    Effect.gen(function* () {
      const one = yield* fresh
      const other = yield* open(yield* shared, one.prefix)
      assert.strictEqual(yield* one.attempts.take("a", limit), 0)
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* other.attempts.take("a", limit), 0)
      yield* TestClock.adjust("1 day")
      for (const { attempts } of [one, other]) assert.isAbove(yield* attempts.take("a", limit), HOUR - 20_000)
      assert.strictEqual(one.gauges.get("attempts_counted_alone_total"), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("a bucket goes when it is full again; what is none is a full one", () =>
    Effect.gen(function* () {
      const { attempts, client, prefix } = yield* fresh
      const key = `${prefix}a`
      for (let n = 1; n <= 2; n++) {
        yield* attempts.take("a", limit)
        const left = yield* Effect.promise(() => client.pttl(key))
        assert.isAtMost(left, n * HOUR)
        assert.isAbove(left, n * HOUR - 20_000)
      }
      const garbage: ReadonlyArray<() => Promise<unknown>> = [
        () => client.set(key, "text"),
        () => client.set(key, ""),
        () => client.set(key, "nan"),
        async () => {
          await client.del(key)
          await client.lpush(key, "a list")
        }
      ]
      for (const put of garbage) {
        yield* Effect.promise(put)
        assert.strictEqual(yield* attempts.take("a", limit), 0)
        assert.strictEqual(yield* attempts.take("a", limit), 0)
        assert.isAbove(yield* attempts.take("a", limit), 0)
      }
      // as if it had been taken from far more often than it can be: nobody is locked out for longer than by an empty one
      yield* Effect.promise(() => client.set(key, "inf"))
      assert.strictEqual(yield* attempts.take("a", limit), HOUR)
      const left = yield* Effect.promise(() => client.pttl(key))
      assert.isAtMost(left, 2 * HOUR)
      assert.isAbove(left, 2 * HOUR - 20_000)
    }).pipe(Effect.scoped)
  )
})

describe("a Redis that goes away", () => {
  const callsOf = ({ signIns }: { readonly signIns: typeof SignIns.Service }) => [
    signIns.put(signInOf("ann", "b")),
    signIns.find("a", NOW),
    signIns.list("ann", NOW),
    signIns.end("ann", "b"),
    signIns.endAll("bob", { tokens: true }),
    signIns.seen(["a"], NOW, DAY),
    signIns.redeem(ticketOf("n", "a"))
  ]
  const refused = {
    _tag: "Unavailable" as const,
    what: "sign-ins",
    retryAfterMillis: 1_000,
    message: "The store of sign-ins is away: try again in 1 s"
  }
  const limit = { burst: 1, everyMillis: HOUR }

  /** With what is written into the log about sign-ins. */
  const away = <E>(title: string, body: (logged: ReadonlyArray<string>) => Effect.Effect<void, E, Scope.Scope>) =>
    it.effect(title, () => {
      const logged: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => {
        const line = JSON.stringify(message)
        if (line.includes("sign-ins")) logged.push(line)
      })
      return body(logged).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
    })

  away("is an error at once to who asks of sign-ins; attempts are counted meanwhile", (logged) =>
    Effect.gen(function* () {
      const { control, redisUrl } = yield* ownServices(["redis"])
      const node = yield* open(redisUrl, "x:")
      for (let round = 1; round <= 2; round++) {
        yield* node.signIns.put(signInOf("ann", "a"))
        assert.strictEqual(yield* node.attempts.take(`round-${round}`, limit), 0)
        yield* control("redis", "kill")
        yield* until(() => !node.isUp())
        for (const call of callsOf(node)) assert.deepInclude(yield* Effect.flip(call), refused)
        assert.strictEqual(node.gauges.get("sign_ins_unavailable_total"), 7 * round)
        assert.strictEqual(yield* node.attempts.take(`alone-${round}`, limit), 0)
        assert.strictEqual(yield* node.attempts.take(`alone-${round}`, limit), HOUR)
        assert.strictEqual(node.gauges.get("attempts_counted_alone_total"), 2 * round)
        yield* control("redis", "start")
        yield* until(node.isUp)
        // it came back empty
        assert.isUndefined(yield* node.signIns.find("a", NOW))
        assert.strictEqual(yield* node.signIns.redeem(ticketOf("n", "a")), "ended")
      }
      assert.isFalse(
        logged.some((line) => line.includes("sign-ins")),
        "the connection has said it already"
      )
    })
  )

  away("without a word: sign-ins after a second, attempts after a quarter of one, and then at once", (logged) =>
    Effect.gen(function* () {
      const { control, redisUrl } = yield* ownServices(["redis"])
      const node = yield* open(redisUrl, "x:")
      yield* node.signIns.put(signInOf("ann", "a"))
      yield* control("redis", "pause")
      const waiting = Array.from({ length: 1_000 }, (_, n) => node.signIns.redeem(ticketOf(`n${n}`, "a")))
      const asked = yield* Effect.forkChild(
        Effect.forEach([...callsOf(node), ...waiting], Effect.flip, { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      const tried = yield* Effect.forkChild(node.attempts.take("a", limit), { startImmediately: true })
      yield* TestClock.adjust("249 millis")
      assert.isUndefined(tried.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(tried), 0)
      assert.strictEqual(yield* node.attempts.take("a", limit), HOUR)
      yield* TestClock.adjust("749 millis")
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      for (const error of yield* Fiber.join(asked)) assert.deepInclude(error, refused)
      assert.deepStrictEqual(logged, [
        '["Redis gives no answer about sign-ins",{"reason":"no answer within 1 second"}]'
      ])
      // also those that waited behind the first ones: not until the connection was given up, 5 s later
      assert.isTrue(node.isUp())
      // who asks now is told at once, and Redis is not
      yield* Effect.flip(node.signIns.put(signInOf("zoe", "never-told")))
      yield* control("redis", "continue")
      // and when it answers again, who was late is counted no longer
      yield* Effect.retry(Effect.andThen(turn, node.signIns.find("a", NOW)), { times: 1_000_000 })
      assert.isUndefined(yield* node.signIns.find("never-told", NOW))
      const alone = Effect.gen(function* () {
        yield* turn
        const before = node.gauges.get("attempts_counted_alone_total")
        yield* node.attempts.take("b", limit)
        return node.gauges.get("attempts_counted_alone_total") > before
      })
      yield* Effect.repeat(alone, { until: (still) => !still })
    })
  )

  away("by refusing what it is told: an error too, said once", (logged) =>
    Effect.gen(function* () {
      const { redisUrl } = yield* ownServices(["redis"])
      const node = yield* open(redisUrl, "x:")
      yield* node.signIns.put(signInOf("ann", "a"))
      // a replica takes no writes
      yield* Effect.promise(() => node.client.replicaof("127.0.0.1", 1))
      for (let n = 0; n < 3; n++) {
        assert.deepInclude(yield* Effect.flip(node.signIns.put(signInOf("ann", "b"))), refused)
      }
      assert.strictEqual(yield* node.attempts.take("a", limit), 0)
      assert.strictEqual(yield* node.attempts.take("a", limit), HOUR)
      assert.lengthOf(logged, 1)
      assert.include(logged[0], "READONLY")
      yield* Effect.promise(() => node.client.replicaof("NO", "ONE"))
      yield* node.signIns.put(signInOf("ann", "b"))
      assert.isDefined(yield* node.signIns.find("b", NOW))
      assert.strictEqual(yield* node.attempts.take("a", limit), 0)
    })
  )
})
