/**
 * The embedded PostgreSQL as the main thread sees it: a worker thread, and a Duplex per connection that @effect/sql-pg talks
 * to as to a socket. Comes from: Database.ts. Goes to: PgliteWorker.ts over message ports.
 *
 * A worker that dies takes its connections with it: what they were asked fails, as with a server that was killed, and the
 * next connection starts another worker on the same folder, where everything acknowledged still is.
 */
import path from "node:path"
import { Duplex } from "node:stream"
import { MessageChannel, Worker } from "node:worker_threads"
import { Effect, Schema, type Scope } from "effect"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { type FolderInUse, lockFolder } from "./FolderLock.ts"
import { templateFolder } from "./PgliteData.ts"
import type { FromPglite, PgliteWorkerData, ToPglite } from "./PgliteWorker.ts"

/** The embedded database did not start; `message` is one line. */
export class EmbeddedDatabaseError extends Schema.TaggedError<EmbeddedDatabaseError>()("EmbeddedDatabaseError", {
  folder: Schema.String,
  message: Schema.String
}) {}

export interface Pglite {
  /** A new connection, as if to a server's socket. */
  readonly connect: () => Duplex
  /** Ends the worker where it stands, for tests: as a crash would. */
  readonly crash: Effect.Effect<void>
}

const CLOSE_WITHIN_MILLIS = 8_000
const RESTART_AFTER_MILLIS = 1_000
const VACUUM_EVERY_MILLIS = 10 * 60_000

// beside this file, as TypeScript here and as JavaScript in the built package
const workerFile = new URL(`./PgliteWorker${path.extname(import.meta.url)}`, import.meta.url)

/** The worker behind the connections: started anew when it has died, at most once a second. */
class Host {
  readonly #data: PgliteWorkerData
  readonly #died: (error: Error) => void
  readonly #count: (delta: 1 | -1) => void
  readonly #connections = new Set<Duplex>()
  #worker: Worker | undefined
  #startedAt = Number.NEGATIVE_INFINITY
  #lastError = new Error("The embedded database is not running")
  #closed = false

  constructor(data: PgliteWorkerData, died: (error: Error) => void, count: (delta: 1 | -1) => void) {
    this.#data = data
    this.#died = died
    this.#count = count
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const worker = this.#spawn()
    await new Promise<void>((resolve, reject) => {
      worker.once("exit", () => reject(this.#lastError))
      worker.on("message", (message: FromPglite) => {
        if (message._tag === "Ready") resolve()
      })
    })
  }

  connect(): Duplex {
    const { port1, port2 } = new MessageChannel()
    const connection = new Duplex({
      allowHalfOpen: false,
      // the client reads whatever comes: the answers to what it asked
      read: () => undefined,
      write: (chunk: Uint8Array, _encoding, done) => {
        port1.postMessage(new Uint8Array(chunk))
        done()
      },
      destroy: (error, done) => {
        this.#connections.delete(connection)
        this.#count(-1)
        port1.postMessage(null)
        port1.close()
        done(error)
      }
    })
    this.#count(1)
    // a client ends with its Terminate, and reads no more: nobody would ever see an end from the other side
    connection.once("finish", () => connection.destroy())
    port1.on("message", (bytes: Uint8Array | null) => {
      connection.push(bytes)
      // who only asks to cancel reads nothing, and has to hear of the end all the same
      if (bytes === null) connection.read(0)
    })
    const worker = this.#worker ?? this.#restart()
    if (worker === undefined) {
      connection.destroy(this.#lastError)
    } else {
      this.#connections.add(connection)
      worker.postMessage({ _tag: "Connect", port: port2 } satisfies ToPglite, [port2])
    }
    return connection
  }

  /** In good order if that takes a few seconds at most. */
  async close(): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    if (worker === undefined) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_WITHIN_MILLIS)
      const done = () => {
        clearTimeout(timer)
        resolve()
      }
      worker.once("exit", done)
      worker.on("message", (message: FromPglite) => {
        if (message._tag !== "Ready") done()
      })
      worker.postMessage({ _tag: "Close" } satisfies ToPglite)
    })
    await worker.terminate()
  }

  async crash(): Promise<void> {
    await this.#worker?.terminate()
  }

  #restart(): Worker | undefined {
    const tooSoon = performance.now() - this.#startedAt < RESTART_AFTER_MILLIS
    return this.#closed || tooSoon ? undefined : this.#spawn()
  }

  #spawn(): Worker {
    this.#startedAt = performance.now()
    // whatever flags this process was started with are none of the worker's
    const worker = new Worker(workerFile, { workerData: this.#data, execArgv: [] })
    this.#worker = worker
    let why: Error | undefined
    worker.on("error", (error) => {
      why = error instanceof Error ? error : new Error(String(error))
    })
    worker.on("message", (message: FromPglite) => {
      if (message._tag === "Failed") why = new Error(message.message)
    })
    worker.once("exit", (code) => {
      this.#worker = undefined
      this.#lastError = why ?? new Error(`The embedded database's thread ended with code ${code}`)
      if (!this.#closed) this.#died(this.#lastError)
      for (const connection of [...this.#connections]) connection.destroy(this.#lastError)
    })
    return worker
  }
}

/**
 * Serves the database in `folder`, made when it is not there, until the Scope closes: then checkpointed, and the worker ended.
 * Counted: `database_workers_active`, `database_connections_active`, `database_restarts_total`.
 */
export const openPglite = Effect.fnUntraced(function* (
  folder: string,
  vacuumEveryMillis = VACUUM_EVERY_MILLIS
): Effect.fn.Return<Pglite, FolderInUse | EmbeddedDatabaseError, Gauges | Scope.Scope> {
  const gauges = yield* Gauges
  const runFork = Effect.runForkWith(yield* Effect.context())
  yield* lockFolder(folder)
  let serving = false
  const host = new Host(
    { data: path.join(folder, "data"), template: templateFolder(), vacuumEveryMillis },
    (error) => {
      if (!serving) return
      gauges.add("database_restarts_total", 1)
      runFork(Effect.logError("The embedded database stopped, it is started again when it is next asked", error))
    },
    (delta) => gauges.add("database_connections_active", delta)
  )
  yield* gauges.track("database_workers_active")
  yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => host.start(),
      catch: (error) =>
        new EmbeddedDatabaseError({
          folder,
          message: `The embedded database in ${folder} did not start: ${error instanceof Error ? error.message : error}`
        })
    }),
    () => Effect.promise(() => host.close())
  )
  serving = true
  return { connect: () => host.connect(), crash: Effect.promise(() => host.crash()) }
})
