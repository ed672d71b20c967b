/** The life of a serving process: build → ready → signal → drain → close. What it is made of is the role's affair. */
import { mkdirSync } from "node:fs"
import { Effect, Fiber, Layer } from "effect"
import { Feed } from "../../actors/market/Feed.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { banner } from "../banner.ts"
import { OptionError, type Settings } from "../Config.ts"
import { HttpListener } from "../gateway/HttpListener.ts"
import { Readiness } from "../gateway/Readiness.ts"
import { exitWithin, stopRequested } from "../stop.ts"
import { version } from "../version.ts"

const makeDataDir = (folder: string) =>
  Effect.try({
    try: () => mkdirSync(folder, { recursive: true }),
    catch: (error) =>
      new OptionError({
        message: `--data-dir: ${folder} cannot be created: ${error instanceof Error ? error.message : error}`
      })
  })

const announce = (settings: Settings) =>
  Effect.gen(function* () {
    const { host, port } = yield* HttpListener
    const feed = yield* Feed
    const facts = {
      version,
      host,
      port,
      label: feed.label,
      symbols: feed.listings.length,
      dataDir: settings.dataDir
    }
    // people read stderr, programs the log lines on stdout
    process.stderr.write(banner(facts, process.stderr.isTTY === true))
    yield* Effect.logInfo("Ready", facts)
  })

/** Half of the budget to say good-bye, the rest to close. */
const drain = (settings: Settings) =>
  Effect.gen(function* () {
    const budgetMillis = settings.drainSeconds * 1000
    const readiness = yield* Readiness
    const sessions = yield* SessionActors
    yield* exitWithin(budgetMillis)
    readiness.advance("draining")
    yield* Effect.logInfo("Draining", { sessions: sessions.count(), drainSeconds: settings.drainSeconds })
    yield* sessions.drain({ spreadMillis: budgetMillis / 2 }).pipe(Effect.timeoutOption(budgetMillis * 0.8))
  })

export const serve = <E>(
  settings: Settings,
  layer: Layer.Layer<HttpListener | Readiness | Feed | SessionActors, E>
): Effect.Effect<void, E | OptionError> =>
  Effect.gen(function* () {
    yield* makeDataDir(settings.dataDir)
    const untilStopped = Effect.gen(function* () {
      const stop = yield* Effect.forkScoped(stopRequested, { startImmediately: true })
      const services = yield* Layer.build(layer)
      yield* Effect.gen(function* () {
        const readiness = yield* Readiness
        readiness.advance("ready")
        yield* announce(settings)
        yield* Fiber.join(stop)
        yield* drain(settings)
      }).pipe(Effect.provide(services))
    })
    yield* Effect.scoped(untilStopped)
    yield* Effect.logInfo("Closed")
  })
