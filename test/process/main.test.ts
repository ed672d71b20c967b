/** The server as its operator meets it: a real process, its exit codes, its lines, its signals. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { parsePrometheus } from "../support/prometheus.ts"

const main = path.resolve(import.meta.dirname, "../../src/app/main.ts")

interface Running {
  readonly process: ChildProcessWithoutNullStreams
  readonly output: { out: string; err: string }
  readonly ended: Promise<number | null>
}

let dataDir = ""
const started: Array<ChildProcessWithoutNullStreams> = []
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), "lzstock-main-"))
})
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL")
  rmSync(dataDir, { recursive: true, force: true })
})

const start = (args: ReadonlyArray<string>, env: Record<string, string> = {}): Running => {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, LZSTOCK_DATA_DIR: dataDir, ...env } })
  started.push(child)
  const output = { out: "", err: "" }
  child.stdout.on("data", (chunk) => {
    output.out += String(chunk)
  })
  child.stderr.on("data", (chunk) => {
    output.err += String(chunk)
  })
  return { process: child, output, ended: new Promise((resolve) => child.once("close", resolve)) }
}

/** Resolves with the match once `pattern` has appeared on stdout; rejects when the process ends before. */
const until = (running: Running, pattern: RegExp): Promise<RegExpExecArray> =>
  new Promise((resolve, reject) => {
    const look = () => {
      const match = pattern.exec(running.output.out)
      if (match !== null) resolve(match)
    }
    running.process.stdout.on("data", look)
    void running.ended.then((code) =>
      reject(new Error(`ended with ${code}: ${running.output.out}${running.output.err}`))
    )
    look()
  })

const ready = async (running: Running): Promise<string> =>
  `http://127.0.0.1:${(await until(running, /"port":(\d+)/))[1]}`

describe("a user's mistake is one line and an exit code", () => {
  it.each([
    ["a bad value", ["--port", "x"], 2, 'lzstock: --port: "x" is not a port, 0 to 65535.\n'],
    ["an unknown option", ["--prot", "1"], 2, "lzstock: Unknown option --prot; did you mean --port?\n"],
    [
      "a replay of nothing",
      ["--feed", "replay"],
      2,
      "lzstock: --feed replay needs --data DIR: which recording to play.\n"
    ]
  ])("%s", async (_, args, code, line) => {
    const running = start(args)
    expect(await running.ended).toBe(code)
    expect(running.output.err).toBe(line)
    expect(running.output.out).toBe("")
  })

  it("a recording that is not there", async () => {
    const running = start([
      "--port",
      "0",
      "--feed",
      "replay",
      "--data",
      path.join(dataDir, "none"),
      "--date",
      "2013-10-07"
    ])
    expect(await running.ended).toBe(1)
    expect(running.output.err).toMatch(/^lzstock: [^\n]+\n$/)
    expect(running.output.err).toContain(dataDir)
  })

  it("a busy port names itself and --port", async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
    const address = other.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const running = start(["--port", String(port)])
    expect(await running.ended).toBe(1)
    expect(running.output.err).toBe(
      `lzstock: Port ${port} on 127.0.0.1 is already in use; choose another with --port (0 = any free one).\n`
    )
    await new Promise((resolve) => other.close(resolve))
  })

  it("--help and --version answer and end", async () => {
    const help = start(["--help"])
    expect(await help.ended).toBe(0)
    expect(help.output.out).toContain("--data-dir DIR")
    const version = start(["--version"])
    expect(await version.ended).toBe(0)
    expect(version.output.out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe("a serving process", () => {
  it("gets ready, counts, drains on SIGTERM and exits 0", async () => {
    const running = start(["--port", "0", "--symbols", "20", "--log-format", "json"])
    const url = await ready(running)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const metrics = parsePrometheus(await (await fetch(`${url}/metrics`)).text())
    expect(metrics.get("sessions_active")?.samples.get("sessions_active{}")).toBe(0)
    expect(metrics.get("effect_fibers_active")?.samples.get("effect_fibers_active{}")).toBeGreaterThan(0)

    running.process.kill("SIGTERM")
    expect(await running.ended).toBe(0)
    const lines = running.output.out.trim().split("\n")
    const messages = lines.map((line): unknown => JSON.parse(line)).map((line) => JSON.stringify(line))
    expect(messages.some((line) => line.includes("Draining"))).toBe(true)
    expect(messages.at(-1)).toContain("Closed")
    expect(running.output.err).toContain("SIMULATED")
    expect(running.output.err).not.toContain("leaving anyway")
  })

  it("tells a client that it is going, closes it with 1012, and then ends", async () => {
    const running = start(["--port", "0", "--symbols", "5", "--drain-seconds", "2"])
    const url = await ready(running)
    const socket = new WebSocket(`${url.replace("http", "ws")}/rpc`)
    await new Promise((resolve) => socket.addEventListener("open", resolve))
    const watch = { watchId: "w", symbols: [], conflation: 0 }
    socket.send(`${JSON.stringify({ _tag: "Request", id: "1", tag: "market.Watch", payload: watch, headers: [] })}\n`)
    let text = ""
    const watching = new Promise<void>((resolve) =>
      socket.addEventListener("message", ({ data }) => {
        text += String(data)
        if (text.includes("Watching")) resolve()
      })
    )
    await watching
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve))
    running.process.kill("SIGINT")
    expect((await closed).code).toBe(1012)
    expect(text).toContain('"_tag":"Draining"')
    expect(await running.ended).toBe(0)
  })

  it("with a budget of 0 seconds it leaves at once", async () => {
    const running = start(["--port", "0", "--symbols", "5", "--drain-seconds", "0"])
    await ready(running)
    running.process.kill("SIGTERM")
    expect(await running.ended).toBe(0)
  })
})
