/**
 * Sharding warns of a registry without a healthy runner. At the end of a runner that was alone, or the last of many, that is as it should be
 * and would only worry who reads the log: it is not said from the moment on at which this runner leaves.
 */
import { Effect, Layer, Logger } from "effect"
import { Sharding } from "effect/cluster"

const NOBODY_LEFT = "No healthy runners available"

export const quietEnd = <A, E, R>(
  layer: Layer.Layer<A | Sharding.Sharding, E, R>
): Layer.Layer<A | Sharding.Sharding, E, R> =>
  Layer.unwrap(
    Effect.map(Logger.CurrentLoggers, (loggers) => {
      let isLeaving: Effect.Effect<boolean> = Effect.succeed(false)
      const isNoNews = (message: unknown) => [message].flat().includes(NOBODY_LEFT) && Effect.runSync(isLeaving)
      const quieter = Array.from(loggers, (logger) =>
        Logger.make((options) => {
          if (!isNoNews(options.message)) logger.log(options)
        })
      )
      const known = Layer.effectDiscard(
        Effect.map(Sharding.Sharding, ({ isShutdown }) => {
          isLeaving = isShutdown
        })
      )
      return known.pipe(
        Layer.provideMerge(layer),
        Layer.provide(Layer.succeed(Logger.CurrentLoggers, new Set(quieter)))
      )
    })
  )
