/**
 * The embedded PostgreSQL, in a thread of its own: PGlite computes where it is called, and on the main thread a burst would
 * starve every socket and timer. Comes from: Pglite.ts. Goes to: PgliteSession, one data folder on disk.
 *
 * There is no background writer and no autovacuum in PGlite: this thread vacuums now and then, and checkpoints at the end.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads"
import { PGlite } from "@electric-sql/pglite"
import { makeData } from "./PgliteData.ts"
import { PgliteSession } from "./PgliteSession.ts"

/** Given to the thread when it is started. */
export interface PgliteWorkerData {
  /** PostgreSQL's data directory; made when it is not there. */
  readonly data: string
  /** A finished, empty data directory to copy, or where to put one; making one takes seconds, copying it a tenth. */
  readonly template: string | undefined
  readonly vacuumEveryMillis: number
}

/** main → worker. On a connection's port: bytes as Uint8Array, both ways; `null` when one side has ended. */
export type ToPglite = { readonly _tag: "Connect"; readonly port: MessagePort } | { readonly _tag: "Close" }

/** worker → main. */
export type FromPglite =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Failed"; readonly message: string }
  | { readonly _tag: "Closed" }

/** Small, as one process has other things to keep in memory; the log is kept short since nobody archives it. */
const settings: ReadonlyArray<string> = [
  "shared_buffers=32MB",
  "maintenance_work_mem=8MB",
  "wal_buffers=1MB",
  "min_wal_size=32MB",
  "max_wal_size=64MB"
]

const isWorkerData = (value: unknown): value is PgliteWorkerData =>
  typeof value === "object" && value !== null && "data" in value && typeof value.data === "string"

const serve = async (options: PgliteWorkerData, main: MessagePort): Promise<void> => {
  await makeData(options.data, options.template)
  const startParams = [...PGlite.defaultStartParams, ...settings.flatMap((setting) => ["-c", setting])]
  const database = await PGlite.create({ dataDir: options.data, startParams })

  const execute = async (bytes: Uint8Array): Promise<Buffer> => {
    const chunks: Array<Uint8Array> = []
    await database.execProtocolRawStream(bytes, { onRawData: (chunk) => void chunks.push(chunk.slice()) })
    return Buffer.concat(chunks)
  }
  const session = new PgliteSession(execute, (error) => {
    // PGlite has trapped: what it holds in memory is worth nothing, the log on disk is. Pglite.ts starts another thread
    queueMicrotask(() => {
      throw error
    })
  })

  let vacuumedAt = 0
  const vacuum = setInterval(() => {
    if (!session.idle || session.turns === vacuumedAt) return
    vacuumedAt = session.turns + 1
    session.perform("VACUUM")
  }, options.vacuumEveryMillis)

  const close = async (): Promise<void> => {
    clearInterval(vacuum)
    await session.close()
    await database.exec("CHECKPOINT")
    await database.close()
  }

  main.on("message", (message: ToPglite) => {
    if (message._tag === "Close") {
      close().then(
        () => main.postMessage({ _tag: "Closed" } satisfies FromPglite),
        (error: unknown) => main.postMessage({ _tag: "Failed", message: String(error) } satisfies FromPglite)
      )
      return
    }
    const { port } = message
    const connection = session.connect({
      send: (bytes) => port.postMessage(bytes, [bytes.buffer]),
      end: () => port.postMessage(null)
    })
    port.on("message", (bytes: Uint8Array | null) => (bytes === null ? connection.close() : connection.receive(bytes)))
    port.on("close", () => connection.close())
  })
  main.postMessage({ _tag: "Ready" } satisfies FromPglite)
}

const options: unknown = workerData
if (parentPort !== null && isWorkerData(options)) {
  const main = parentPort
  serve(options, main).catch((error: unknown) => {
    main.postMessage({ _tag: "Failed", message: String(error) } satisfies FromPglite)
    process.exitCode = 1
    main.close()
  })
}
