/** The command against the real server process, as in the README: `npm start` in one window, `npx lzstock` in another. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { jsonLines, killAll, run } from "../../../test/support/commandLine.ts"

const main = path.resolve(import.meta.dirname, "../main.ts")
const root = process.env.LZSTOCK_TEST_DATA ?? path.resolve(import.meta.dirname, "../../../../shared/data")
const recording = path.join(root, "market/lean")
const absent = !existsSync(recording)
if (absent) console.warn(`lzstock against a replaying server skipped: no recording under ${recording}`)

let dataDir = ""
let server: ChildProcessWithoutNullStreams | undefined
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), "lzstock-cli-"))
})
afterEach(() => {
  killAll()
  server?.kill("SIGKILL")
  rmSync(dataDir, { recursive: true, force: true })
})

/** Resolves with the server's log once it holds the pattern. */
const serve = (args: ReadonlyArray<string>, pattern: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, "--port", "0", "--data-dir", dataDir, "--log-format", "json", ...args])
    server = child
    let log = ""
    child.stdout.on("data", (chunk) => {
      log += String(chunk)
      if (pattern.test(log)) resolve(log)
    })
    child.stderr.resume()
    child.once("close", (code) => reject(new Error(`the server ended with ${code}: ${log}`)))
  })

const urlIn = (log: string): string => `http://127.0.0.1:${/"port":(\d+)/.exec(log)?.[1]}`

describe("a simulated market", () => {
  it("status, listings, search, quote, watch, bars", async () => {
    const env = { LZSTOCK_URL: urlIn(await serve([], /"port":\d+/)) }
    const status = jsonLines((await run(["status", "--json"], env)).out)[0]
    expect(status).toMatchObject({ feed: { label: "SIMULATED", adapter: "simulated" } })
    const listed = jsonLines((await run(["listings", "--json"], env)).out)
    expect(listed.length).toBeGreaterThanOrEqual(500)
    const [apple] = jsonLines((await run(["search", "appl", "--json"], env)).out)
    expect(apple).toMatchObject({ symbol: "AAPL", tier: "name-prefix", ranges: [[0, 4]] })
    expect((await run(["search", "fb"], env)).out).toMatch(/\nMETA +Meta Platforms .*FB until 2022-06-09: renamed\n/)
    expect((await run(["quote", "AAPL"], env)).out).toMatch(/\nAAPL +[\d.]+ .*SIMULATED\n$/)
    const watched = await run(["watch", "AAPL", "MSFT", "NOPE", "--json", "--count", "3"], env)
    const tags = jsonLines(watched.out).map(({ _tag }) => _tag)
    expect(tags[0]).toBe("Watching")
    expect(tags.filter((tag) => tag === "Snapshot")).toHaveLength(2)
    expect(tags.filter((tag) => tag === "Update")).toHaveLength(3)
    const days = await run(["bars", "AAPL", "--interval", "1d", "--limit", "5"], env)
    expect(days.out).toMatch(/^(\d{4}-\d\d-\d\d(,[\d.]+){5}\n){5}$/)
    expect((await run(["quote", "NOPE"], env)).code).toBe(4)
  }, 120_000)
})

describe("a replayed day", () => {
  it.skipIf(absent)(
    "the server's bars are those of the offline replay, byte for byte",
    async () => {
      const day = ["--data", recording, "--date", "2013-10-07"]
      const log = await serve(["--feed", "replay", ...day, "--symbols", "SPY,IBM", "--speed", "max"], /reached its end/)
      const env = { LZSTOCK_URL: urlIn(log) }
      for (const symbol of ["SPY", "IBM"]) {
        const offline = await run(["replay", ...day, "--symbol", symbol, "--bars", "-"])
        const minutes = offline.out.trimEnd().split("\n").length
        // the last minutes become final with the server's next sweep; as forming ones they are whole already
        const bars = await run(["bars", symbol, "--date", "2013-10-07", "--forming"], env)
        expect(bars.out).toBe(offline.out)
        expect(minutes).toBeGreaterThan(400)
      }
    },
    120_000
  )
})
