/** The real server as a child process, as `npm start` runs it. */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** Prometheus text → value of one sample. */
const sampleOf = (text: string, name: string): number => {
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

/** `node src/app/main.ts` as `npm start` runs it, on a free port and a folder of its own. */
export const startServer = async (more: ReadonlyArray<string>) => {
  const folder = mkdtempSync(path.join(tmpdir(), "lzstock-bench-"))
  const main = fileURLToPath(new URL("../../src/app/main.ts", import.meta.url))
  const child = spawn(process.execPath, [main, "--port", "0", "--data-dir", folder, "--log-format", "json", ...more], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  let said = ""
  child.stderr.on("data", (text) => {
    said = (said + String(text)).slice(-2_000)
  })
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  const port = await new Promise<number>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${said}`)))
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { data, message } = JSON.parse(line) as {
        readonly message: string
        readonly data?: { readonly port: number }
      }
      if (message === "Ready" && data !== undefined) resolve(data.port)
    })
  })
  const read = async (): Promise<Reading> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return {
      cpu: sampleOf(text, "process_cpu_seconds_total"),
      rss: sampleOf(text, "process_resident_memory_bytes"),
      loopP99: sampleOf(text, "nodejs_eventloop_delay_p99_seconds") * 1_000,
      delivered: sampleOf(text, "updates_delivered_total"),
      sessions: sampleOf(text, "sessions_active"),
      slots: sampleOf(text, "watched_slots_active")
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
  return { port, read, end, operator }
}
