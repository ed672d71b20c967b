/**
 * Real PostgreSQL, Redis and NATS for a test: those of the whole run, with a database, a subject or a key space of its own;
 * or, to stop and kill them, servers of its own.
 */
import { connect } from "node:net"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, type Scope } from "effect"
import { inject } from "vitest"
import {
  type Action,
  type Keeper,
  type ServiceName,
  type ServiceUrls as StartedUrls,
  startServices
} from "../../scripts/services/client.mjs"
import type { ServicesAnswer, ServiceUrls } from "./globalServices.ts"

export type { ServiceUrls } from "./globalServices.ts"

const ask = (port: number): Promise<ServicesAnswer> =>
  new Promise((resolve, reject) => {
    let text = ""
    const socket = connect({ host: "127.0.0.1", port })
    socket.on("error", reject)
    socket.on("data", (chunk) => {
      text += String(chunk)
    })
    socket.on("end", () => resolve(JSON.parse(text)))
  })

let asked: Promise<ServiceUrls> | undefined

/** Where the run's servers are; started when the first test of the run asks. Shared: isolate yourself with what follows. */
export const services = (): Promise<ServiceUrls> => {
  asked ??= ask(inject("servicesPort")).then((answer) => {
    if ("error" in answer) throw new Error(answer.error)
    return answer.urls
  })
  return asked
}

let count = 0

/**
 * `name` made unique, for NATS subjects, JetStream streams and Redis keys: letters, digits, `-` and `_` only, so that it is
 * one token of a subject and a legal stream name.
 */
export const freshPrefix = (name: string): string =>
  `${name.replace(/[^A-Za-z0-9_-]/g, "-")}-${process.pid}-${Date.now().toString(36)}-${++count}`

/** One statement in the database the URL names. */
const administer = (databaseUrl: string, statement: string): Effect.Effect<void> =>
  PgClient.PgClient.use((sql) => sql.unsafe(statement)).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(databaseUrl), maxConnections: 1 })),
    Effect.asVoid,
    Effect.orDie
  )

/** `freshDatabase` on a server of your own (`ownServices`). */
export const freshDatabaseOn = (databaseUrl: string): Effect.Effect<string, never, Scope.Scope> => {
  const name = freshPrefix("test").replaceAll("-", "_")
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return Effect.acquireRelease(administer(databaseUrl, `CREATE DATABASE ${name}`).pipe(Effect.as(url.href)), () =>
    administer(databaseUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  )
}

/** The URL of an empty database, dropped with its Scope, whoever is still connected. */
export const freshDatabase: Effect.Effect<string, never, Scope.Scope> = Effect.promise(services).pipe(
  Effect.flatMap(({ databaseUrl }) => freshDatabaseOn(databaseUrl))
)

/** Servers nobody else uses. Only those asked for have a URL here. */
export type OwnServices<S extends ServiceName> = StartedUrls<S> & {
  readonly folder: string
  readonly pids: Keeper["pids"]
  /**
   * Done when the action is: `stop` (in good order), `kill` (SIGKILL), `start` (again: same port, same data; Redis comes back
   * empty), `pause` (SIGSTOP), `continue`. Dies with the keeper's words when that cannot be.
   */
  readonly control: (service: ServiceName, action: Action) => Effect.Effect<void>
}

/** For tests that break them: a keeper of your own, gone with the Scope. Takes about two seconds, Redis and NATS alone 0.1 s. */
export const ownServices = <const S extends ServiceName = ServiceName>(
  only?: ReadonlyArray<S>
): Effect.Effect<OwnServices<S>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => startServices<S>({ own: true, ...(only === undefined ? {} : { only }) })),
    (keeper) => Effect.promise(keeper.stop)
  ).pipe(
    Effect.map((keeper) => ({
      ...keeper,
      control: (service, action) => Effect.promise(() => keeper.control(service, action))
    }))
  )
