/**
 * The life of a serving process: build → ready → signal → drain → close; a signal while it builds: close. What it is made of is
 * the role's affair.
 */
import { mkdirSync } from "node:fs"
import { Context, Effect, Fiber, Layer, Option } from "effect"
import { Feed } from "../../actors/market/Feed.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { banner } from "../banner.ts"
import { OptionError, type Settings, signInMode } from "../Config.ts"
import { HttpListener } from "../gateway/HttpListener.ts"
import { Readiness } from "../gateway/Readiness.ts"
import { exitWithin, stopRequested } from "../stop.ts"
import { version } from "../version.ts"
import { admissionOf } from "./parts.ts"

const makeDataDir = (folder: string) =>
  Effect.try({
    // the embedded database writes files that anybody could read and write: into a folder made here nobody else gets
    try: () => mkdirSync(folder, { recursive: true, mode: 0o700 }),
    catch: (error) =>
      new OptionError({
        message: `--data-dir: ${folder} cannot be created: ${error instanceof Error ? error.message : error}`
      })
  })

const announce = (settings: Settings) =>
  Effect.gen(function* () {
    const { host, port } = yield* HttpListener
    const feed = Option.getOrUndefined(yield* Effect.serviceOption(Feed))
    const facts = {
      version,
      role: settings.role,
      host,
      port,
      ...(feed === undefined ? {} : { label: feed.label, symbols: feed.listings.length }),
      dataDir: settings.dataDir,
      ...(settings.role === "all-in-one" || settings.role === "gateway" ? { signIn: signInMode(settings) } : {})
    }
    // people read stderr, programs the log lines on stdout
    process.stderr.write(banner(facts, process.stderr.isTTY === true))
    yield* Effect.logInfo("Ready", facts)
  })

/** What a role says to whoever is connected, before its layers close. */
export class Farewell extends Context.Service<Farewell, Effect.Effect<void>>()("lzstock/app/roles/Farewell") {
  static readonly none: Layer.Layer<Farewell> = Layer.succeed(Farewell, Effect.void)

  /** As long as the other gateways need to take those who come back, half of the budget at most; the rest is to close. */
  static readonly sessions = (settings: Settings): Layer.Layer<Farewell, never, SessionActors> =>
    Layer.effect(
      Farewell,
      Effect.map(SessionActors, (sessions) => {
        const budgetMillis = settings.drainSeconds * 1000
        const elsewhere = admissionOf(settings)
        return Effect.andThen(
          Effect.suspend(() => Effect.logInfo("Sessions are told to go", { sessions: sessions.count() })),
          Effect.timeoutOption(sessions.drain({ elsewhere, mostMillis: budgetMillis / 2 }), budgetMillis * 0.8)
        )
      })
    )
}

/**
 * After the farewell the layers close in reverse order: a market node's actors leave their checkpoints, and their shards go to
 * other nodes.
 */
export const serve = <E>(
  settings: Settings,
  layer: Layer.Layer<HttpListener | Readiness | Farewell, E>
): Effect.Effect<void, E | OptionError> =>
  Effect.gen(function* () {
    yield* makeDataDir(settings.dataDir)
    const untilStopped = Effect.gen(function* () {
      const asked = Effect.tap(stopRequested, () => exitWithin(settings.drainSeconds * 1000))
      const stop = yield* Effect.forkScoped(asked, { startImmediately: true })
      // a node may wait for others for as long as it takes: what stands by then closes with the Scope
      const services = yield* Effect.raceFirst(
        Effect.asSome(Layer.build(layer)),
        Effect.as(Fiber.join(stop), Option.none())
      )
      if (Option.isNone(services)) return yield* Effect.logInfo("Stopped before it was ready")
      yield* Effect.gen(function* () {
        const readiness = yield* Readiness
        readiness.advance("ready")
        yield* announce(settings)
        yield* Fiber.join(stop)
        readiness.advance("draining")
        yield* Effect.logInfo("Draining", { drainSeconds: settings.drainSeconds })
        yield* yield* Farewell
      }).pipe(Effect.provide(services.value))
    })
    yield* Effect.scoped(untilStopped)
    yield* Effect.logInfo("Closed")
  })
