/** The real server as a child process, with the dashboard built when it is older than its sources. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"

export const repository = fileURLToPath(new URL("../../..", import.meta.url))

export interface RunningServer {
  readonly url: string
  readonly port: number
  /** Everything it printed so far. */
  readonly output: () => string
  /** SIGKILL: no goodbye, as in a crash. Resolves when it is gone. */
  readonly kill: () => Promise<void>
  /** SIGTERM: drain. Resolves when it is gone. */
  readonly stop: () => Promise<void>
}

const gone = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once("exit", () => resolve()))

/** Starts `src/app/main.ts`; resolves once it prints its address. `port` 0 takes any free one. */
export const startServer = async (options: ReadonlyArray<string>, port = 0): Promise<RunningServer> => {
  const dataDir = await mkdtemp(path.join(tmpdir(), "lzstock-e2e-"))
  const child = spawn(
    process.execPath,
    ["src/app/main.ts", "--port", String(port), "--data-dir", dataDir, "--drain-seconds", "2", ...options],
    { cwd: repository, stdio: ["ignore", "pipe", "pipe"] }
  )
  let output = ""
  const listening = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const found = /https?:\/\/[\w.[\]:]+:\d+/.exec(output)
      if (found !== null) resolve(found[0])
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
    child.once("exit", (code) => reject(new Error(`The server ended with code ${code}:\n${output}`)))
  })
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await gone(child)
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const url = await listening
    return {
      url,
      port: Number(new URL(url).port),
      output: () => output,
      kill: () => end("SIGKILL"),
      stop: () => end("SIGTERM")
    }
  } catch (error) {
    await end("SIGKILL")
    throw error
  }
}
