/** What roles keep: the same tables and the same code in PostgreSQL and, where none is given, embedded in the data folder. */
import path from "node:path"
import { Effect, Layer } from "effect"
import { Feed } from "../../actors/market/Feed.ts"
import type { Settings } from "../Config.ts"
import { BarStoreSql } from "../postgres/BarStoreSql.ts"
import { Database } from "../postgres/Database.ts"
import { Migrations } from "../postgres/Migrations.ts"

/** The database alone: what `migrate` brings up to date. */
export const layerConnection = (settings: Settings) =>
  Database.layer({ url: settings.databaseUrl, folder: path.join(settings.dataDir, "database") })

/** The database, with its schema brought up to date: whoever starts first does that, the others wait. */
export const layerDatabase = (settings: Settings) => Layer.provideMerge(Migrations.layer, layerConnection(settings))

/** Finished bars of the feed that plays here. */
export const layerBarStore = Layer.unwrap(Effect.map(Feed, ({ source }) => BarStoreSql.layer({ source })))
