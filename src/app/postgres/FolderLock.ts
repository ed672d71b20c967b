/**
 * One process per data folder: a lock file that names its holder by pid and start time, so that a dead process's lock is taken
 * over and a pid that another process has now does not keep it. Comes from: Pglite.ts.
 */
import { execFileSync } from "node:child_process"
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { Effect, Option, Schema, type Scope } from "effect"

/** Another process that is alive uses the folder; `message` is one line that says what to do. */
export class FolderInUse extends Schema.TaggedError<FolderInUse>()("FolderInUse", {
  folder: Schema.String,
  /** Of the process that uses it. */
  pid: Schema.Int,
  message: Schema.String
}) {
  static of(folder: string, pid: number): FolderInUse {
    const who = pid === process.pid ? "this process itself" : `process ${pid}`
    const message = `The data folder ${folder} is in use by ${who}; stop that one, or choose another folder with --data-dir.`
    return new FolderInUse({ folder, pid, message })
  }
}

const Holder = Schema.fromJsonString(
  Schema.Struct({
    pid: Schema.Int,
    /** As the system tells it; null where it does not. */
    started: Schema.NullOr(Schema.String)
  })
)
type Holder = typeof Holder.Type
const decode = Schema.decodeUnknownOption(Holder)

/** When a process started, in the system's own words; null when there is none, or no telling. */
const startOf = (pid: number): string | null => {
  try {
    if (process.platform === "linux") {
      // the 22nd field, counted from behind the name, which may hold anything
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null
    }
    if (process.platform === "win32") return null
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null
  } catch {
    return null
  }
}

const isAlive = (holder: Holder): boolean => {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // EPERM: there is one, it is somebody else's
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false
  }
  const started = startOf(holder.pid)
  return started === null || holder.started === null || started === holder.started
}

/** undefined: no file, or one that no holder wrote. */
const holderOf = (file: string): Holder | undefined => {
  try {
    return Option.getOrUndefined(decode(readFileSync(file, "utf8")))
  } catch {
    return undefined
  }
}

/** The file appears with its content or not at all. False when there is one already. */
const create = (file: string, content: string): boolean => {
  const unfinished = `${file}.${process.pid}`
  writeFileSync(unfinished, content)
  try {
    linkSync(unfinished, file)
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false
    throw error
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/** Takes a dead holder's file away. What was moved may be a third one's, who was faster: then it goes back. */
const clear = (file: string): void => {
  const stale = `${file}.stale.${process.pid}`
  try {
    renameSync(file, stale)
  } catch {
    return
  }
  const holder = holderOf(stale)
  if (holder !== undefined && isAlive(holder)) {
    try {
      linkSync(stale, file)
    } catch {
      // somebody took the lock meanwhile
    }
  }
  rmSync(stale, { force: true })
}

const take = (folder: string): FolderInUse | undefined => {
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, "lock")
  const content = JSON.stringify({ pid: process.pid, started: startOf(process.pid) } satisfies Holder)
  for (;;) {
    if (create(file, content)) return undefined
    const holder = holderOf(file)
    if (holder !== undefined && isAlive(holder)) return FolderInUse.of(folder, holder.pid)
    clear(file)
  }
}

/** Holds `folder` until the Scope closes; makes it when it is not there. Dies when the folder cannot be written to. */
export const lockFolder = (folder: string): Effect.Effect<void, FolderInUse, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const inUse = take(folder)
      return inUse === undefined ? Effect.void : Effect.fail(inUse)
    }),
    () => Effect.sync(() => rmSync(path.join(folder, "lock"), { force: true }))
  )
