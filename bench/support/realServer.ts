/** The real server as a child process, as `npm start` runs it. */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** Prometheus text → value of one sample. */
export const sampleOf = (text: string, name: string): number => {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length + 1))
}

export interface Reading {
  readonly cpu: number
  readonly rss: number
  readonly loopP99: number
  readonly delivered: number
  readonly sessions: number
  readonly slots: number
}

/** A line of its log. */
export interface LogLine {
  readonly level: string
  readonly message: string
  readonly data?: { readonly port?: number }
}

/** `node src/app/main.ts` as `npm start` runs it, on a free port and a folder of its own. `node`: options of Node itself. */
export const startServer = async (more: ReadonlyArray<string>, node: ReadonlyArray<string> = []) => {
  const folder = mkdtempSync(path.join(tmpdir(), "lzstock-bench-"))
  const main = fileURLToPath(new URL("../../src/app/main.ts", import.meta.url))
  const args = [...node, main, "--port", "0", "--data-dir", folder, "--log-format", "json", ...more]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
  const troubles: Array<string> = []
  let said = ""
  child.stderr.on("data", (text) => {
    said = (said + String(text)).slice(-2_000)
  })
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  const port = await new Promise<number>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${said}`)))
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { data, level, message }: LogLine = JSON.parse(line)
      if (message === "Ready" && data?.port !== undefined) resolve(data.port)
      if (level === "ERROR" || level === "FATAL") troubles.push(line)
    })
  })
  /** All of /metrics: the value of a sample by its name, with its labels. */
  const metrics = async (): Promise<(name: string) => number> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return (name) => sampleOf(text, name)
  }
  const read = async (): Promise<Reading> => {
    const sample = await metrics()
    return {
      cpu: sample("process_cpu_seconds_total"),
      rss: sample("process_resident_memory_bytes"),
      loopP99: sample("nodejs_eventloop_delay_p99_seconds") * 1_000,
      delivered: sample("updates_delivered_total"),
      sessions: sample("sessions_active"),
      slots: sample("watched_slots_active")
    }
  }
  const end = async () => {
    const gone = new Promise((done) => child.once("exit", done))
    child.kill("SIGTERM")
    const late = setTimeout(kill, 15_000)
    await gone
    clearTimeout(late)
    process.off("exit", kill)
    rmSync(folder, { recursive: true, force: true })
  }
  /** What shows that an operator asks. */
  const operator = () => readFileSync(path.join(folder, "operator-token"), "utf8").trim()
  return {
    port,
    pid: child.pid ?? 0,
    folder,
    read,
    metrics,
    end,
    operator,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    /** Lines of its log that say that something of ours failed. */
    troubles,
    /** Whatever it said on stderr last. */
    said: () => said
  }
}
export type RealServer = Awaited<ReturnType<typeof startServer>>
