/** Brings the database's schema up to date and ends: a step of its own in a deployment. Every other role would do it too. */
import { Effect, Layer } from "effect"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import type { Settings } from "../Config.ts"
import { migrate } from "../postgres/Migrations.ts"
import { layerConnection } from "./stores.ts"

export const runMigrate = (settings: Settings) =>
  migrate().pipe(
    Effect.flatMap((steps) =>
      Effect.logInfo(steps.length === 0 ? "The schema is up to date" : "The schema was migrated", { steps })
    ),
    Effect.provide(layerConnection(settings).pipe(Layer.provide(Gauges.layer)))
  )
