/**
 * The database: a real PostgreSQL where a URL is given, else an embedded one in a folder, behind the same client. Repositories
 * see only SqlClient, and end what a database that is away does to them with `whenAway`.
 */
import { PgClient } from "@effect/sql-pg"
import { Duration, Effect, Fiber, type Layer, Redacted, Schema } from "effect"
import { type SqlClient, SqlError } from "effect/sql"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import type { FolderInUse } from "./FolderLock.ts"
import { type EmbeddedDatabaseError, openPglite } from "./Pglite.ts"

/** PostgreSQL cannot be used; `message` is one line, without the password. */
export class DatabaseUnreachable extends Schema.TaggedError<DatabaseUnreachable>()("DatabaseUnreachable", {
  message: Schema.String
}) {}

export type DatabaseError = DatabaseUnreachable | FolderInUse | EmbeddedDatabaseError

export interface DatabaseOptions {
  /** A PostgreSQL: postgres://user:password@host:port/database. Without it the embedded one is used. */
  readonly url?: Redacted.Redacted<string> | undefined
  /** Where the embedded one keeps its data; one process at a time. */
  readonly folder: string
}

/** Connections a node holds to PostgreSQL at most. */
const MAX_CONNECTIONS = 8
/** Virtual ones: they take turns anyway. */
const MAX_EMBEDDED_CONNECTIONS = 4
const CONNECT_WITHIN = "4 seconds"
/** What the server ends by itself. A client that hears nothing for somewhat longer gives up: nobody may be there any more. */
const STATEMENT_TIMEOUT_MILLIS = 8_000
const ANSWER_WITHIN = "10 seconds"

/** The server too finds out within seconds that a node has gone, so that no dead one keeps a lock. */
const sessionSettings: Readonly<Record<string, string>> = {
  statement_timeout: String(STATEMENT_TIMEOUT_MILLIS),
  lock_timeout: "6000",
  idle_in_transaction_session_timeout: "15000",
  tcp_user_timeout: "10000",
  tcp_keepalives_idle: "5",
  tcp_keepalives_interval: "2",
  tcp_keepalives_count: "3"
}

/** Host, port and database of a URL: what may be shown of it. */
const placeOf = (url: string): string | undefined => {
  try {
    const { hostname, pathname, port } = new URL(url)
    return `${hostname === "" ? "localhost" : hostname}:${port === "" ? "5432" : port}${pathname}`
  } catch {
    return undefined
  }
}

const explain = (url: string, error: SqlError.SqlError): string => {
  const check = "Check LZSTOCK_DATABASE_URL"
  const place = placeOf(url)
  if (place === undefined || !/^postgres(ql)?:/.test(url)) {
    return `The database's URL is none. ${check}: it must look like postgres://user:password@host:5432/database.`
  }
  const { cause, message } = error.reason
  const why = cause instanceof Error && cause.message !== "" ? cause.message : message
  return `PostgreSQL at ${place} cannot be used: ${why}. ${check}, and that the server is running.`
}

const connectPostgres = Effect.fnUntraced(function* (url: Redacted.Redacted<string>) {
  const client = yield* PgClient.make({
    url,
    applicationName: "lzstock",
    maxConnections: MAX_CONNECTIONS,
    connectTimeout: CONNECT_WITHIN,
    keepAlive: "5 seconds",
    startupParameters: sessionSettings
  })
  yield* client`SELECT 1`
  return client
})

const connectEmbedded = Effect.fnUntraced(function* (folder: string) {
  const { connect } = yield* openPglite(folder)
  const client = yield* PgClient.make({
    stream: connect,
    username: "postgres",
    database: "postgres",
    applicationName: "lzstock",
    maxConnections: MAX_EMBEDDED_CONNECTIONS,
    // there is one session behind all connections: their statements' names would collide
    prepare: false
  }).pipe(Effect.orDie)
  // effect/cluster keeps its locks in rows where this stands: one session cannot hold advisory locks for several
  return Object.assign(client, { driver: "pglite" })
})

const layer = ({
  folder,
  url
}: DatabaseOptions): Layer.Layer<SqlClient.SqlClient | PgClient.PgClient, DatabaseError, Gauges> =>
  url === undefined
    ? PgClient.layerFrom(connectEmbedded(folder))
    : PgClient.layerFrom(
        connectPostgres(url).pipe(
          Effect.mapError((error) => new DatabaseUnreachable({ message: explain(Redacted.value(url), error) }))
        )
      )

export const Database = { layer }

/**
 * What repositories do about a database that is away: they die, and who called them tries again. No answer for 10 s is away too;
 * the connection that gave none is closed in the background, and the next call finds another.
 */
export const whenAway = <A, E, R>(
  effect: Effect.Effect<A, E | SqlError.SqlError, R>,
  within: Duration.Input = ANSWER_WITHIN
): Effect.Effect<A, Exclude<E, SqlError.SqlError>, R> =>
  Effect.catch(
    withDeadline(effect, within),
    (error): Effect.Effect<never, Exclude<E, SqlError.SqlError>> =>
      isOther(error) ? Effect.fail(error) : Effect.die(error)
  )

const isOther = <E>(error: E | SqlError.SqlError): error is Exclude<E, SqlError.SqlError> => !SqlError.isSqlError(error)

/** Not Effect.timeout alone: that would wait until the server has confirmed that it gave up, and nobody may be there to do so. */
const withDeadline = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>, within: Duration.Input) {
  const fiber = yield* Effect.forkDetach(effect, { startImmediately: true })
  return yield* Fiber.join(fiber).pipe(
    Effect.timeoutOrElse({
      duration: within,
      orElse: () =>
        Effect.die(
          new DatabaseUnreachable({
            message: `The database gave no answer within ${Duration.format(Duration.fromInputUnsafe(within))}`
          })
        )
    }),
    Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
  )
})
