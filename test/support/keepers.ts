/** Keepers of services, observed: who runs, who is gone, what a server answers. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { PgClient } from "@effect/sql-pg"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import { Redis } from "ioredis"
import { type Keeper, type ServiceName, type StartOptions, startServices } from "../../scripts/services/client.mjs"
import { sweep } from "../../scripts/services/folder.mjs"
import { familyOf, identify, isRunning, type ProcessIdentity, until } from "../../scripts/services/processes.mjs"

/** What to undo after a test, last first. */
const cleanups: Array<() => unknown> = []
export const cleanUp = async (): Promise<void> => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** A folder for `TMPDIR`: keepers of one test sweep no others' leftovers. Every user may pass it, PostgreSQL's too. */
export const ownTempFolder = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), "lzstock-keepers-"))
  chmodSync(folder, 0o755)
  cleanups.push(async () => {
    await sweep(folder)
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Stopped after the test, if not before. */
export const keeper = async <S extends ServiceName>(only: ReadonlyArray<S>, options: StartOptions<S> = {}) => {
  const started = await startServices({ own: true, ...options, only })
  cleanups.push(started.stop)
  return started
}

/** The keeper's servers with their children. */
export const families = ({ pids }: Pick<Keeper, "pids">): ReadonlyArray<ProcessIdentity> =>
  Object.values(pids).flatMap((pid) => familyOf(pid))

export const identityOf = (pid: number): ProcessIdentity => {
  const identity = identify(pid)
  if (identity === undefined) throw new Error(`no process ${pid}`)
  return identity
}

const UNTIL_MS = 25_000

export const untilGone = async (processes: ReadonlyArray<ProcessIdentity>): Promise<void> => {
  if (await until(() => !processes.some(isRunning), UNTIL_MS)) return
  throw new Error(`still running: ${processes.filter(isRunning).map(({ pid }) => pid)}`)
}

export const untilRemoved = async (folder: string): Promise<void> => {
  if (!(await until(() => !existsSync(folder), UNTIL_MS))) throw new Error(`still there: ${folder}`)
}

/** Until a keeper with this `TMPDIR` has begun to write the file. */
export const untilStarted = async (tempFolder: string, file: string): Promise<void> => {
  const isThere = () => readdirSync(tempFolder).some((folder) => existsSync(path.join(tempFolder, folder, file)))
  if (!(await until(isThere, UNTIL_MS))) throw new Error(`no ${file}`)
}

/** A process that only lives, as another user if need be; killed after the test. */
export const bystander = (user?: { readonly uid: number; readonly gid: number }): ProcessIdentity => {
  const child = spawn("cat", { stdio: ["pipe", "ignore", "ignore"], ...user })
  cleanups.push(() => child.kill("SIGKILL"))
  return identityOf(child.pid ?? 0)
}

const callerScript = path.resolve(import.meta.dirname, "servicesCaller.ts")

/** Another process that has started services through the client. */
export const caller = async (only: ReadonlyArray<ServiceName>) => {
  const child = spawn(process.execPath, [callerScript, ...only], { stdio: ["ignore", "pipe", "inherit"] })
  cleanups.push(() => child.kill("SIGKILL"))
  const [line] = await once(createInterface({ input: child.stdout }), "line")
  const started: Pick<Keeper, "folder" | "keeperPid" | "pids"> = JSON.parse(String(line))
  return { ...started, child }
}

const script = path.resolve(import.meta.dirname, "../../scripts/services.mjs")

/** The command as it is, for its exit code and its lines. */
export const command = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}) => {
  const child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env } })
  cleanups.push(() => child.kill("SIGKILL"))
  const said = { out: "", err: "" }
  child.stdout.on("data", (chunk) => {
    said.out += String(chunk)
  })
  child.stderr.on("data", (chunk) => {
    said.err += String(chunk)
  })
  const ended: Promise<{ code: number | null; out: string; err: string }> = new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, ...said }))
  })
  return {
    child: child satisfies ChildProcess,
    ended,
    firstLine: once(createInterface({ input: child.stdout }), "line")
  }
}

// ---- what the servers say ------------------------------------------------------------------------------------------

/** Rows of one statement. */
export const query = (databaseUrl: string, statement: string) =>
  PgClient.PgClient.use((sql) => sql.unsafe(statement)).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(databaseUrl), maxConnections: 1 })),
    Effect.runPromise
  )

export const withRedis = async <A>(redisUrl: string, use: (redis: Redis) => Promise<A>): Promise<A> => {
  const redis = new Redis(redisUrl, { retryStrategy: () => null })
  try {
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}

const withNats = async <A>(natsUrl: string, use: (nats: NatsConnection) => Promise<A>): Promise<A> => {
  const nats = await connect({ servers: natsUrl, reconnect: false })
  try {
    return await use(nats)
  } finally {
    await nats.close()
  }
}

/** A message into the JetStream stream `name`, made if need be; how many it holds now. */
export const store = (natsUrl: string, name: string): Promise<number> =>
  withNats(natsUrl, async (nats) => {
    const manager = await jetstreamManager(nats)
    await manager.streams.add({ name, subjects: [name] })
    await jetstream(nats).publish(name, "x")
    return (await manager.streams.info(name)).state.messages
  })
