/** What a server has folded is there after a restart: the tables in its data folder are the history it serves. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { dayOfDate } from "../../src/actors/market/calendar.ts"
import { connect } from "../../src/rpc/client.ts"
import { eventually } from "../support/cluster.ts"
import { isRecordingAbsent, leanData } from "../support/recordedDay.ts"

const main = path.resolve(import.meta.dirname, "../../src/app/main.ts")
let folder = ""
const started: Array<ChildProcess> = []
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "lzstock-restart-"))
})
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
})

/** Plays a recorded day at full speed over the same data folder; resolves with its address once it serves. */
const serve = async (date: string) => {
  const options = ["--port", "0", "--data-dir", folder, "--log-format", "json", "--drain-seconds", "5"]
  const replay = ["--feed", "replay", "--data", leanData, "--symbols", "IBM", "--date", date, "--speed", "max"]
  const child = spawn(process.execPath, [main, ...options, ...replay], { stdio: ["ignore", "pipe", "inherit"] })
  started.push(child)
  const url = await new Promise<string>((resolve, reject) => {
    let out = ""
    child.stdout.on("data", (chunk) => {
      out += String(chunk)
      const port = /"port":(\d+)/.exec(out)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
    child.once("exit", (code) => reject(new Error(`ended with ${code}`)))
  })
  return { child, url, exited: new Promise<number | null>((resolve) => child.once("exit", resolve)) }
}

if (isRecordingAbsent) console.warn("SKIPPED: the recorded market data (../shared/data/market/lean) is not here")

it.skipIf(isRecordingAbsent)(
  "finished bars survive it: those of yesterday's run, with their trades, before today's",
  async () => {
    const yesterday = dayOfDate("2013-10-07")
    if (yesterday === null) throw new Error("no such day")
    const range = { symbol: "IBM", interval: "1m", from: yesterday.open, to: yesterday.close, limit: 500 } as const
    const first = await serve("2013-10-07")
    const before = connect({ url: first.url })
    await eventually("the recording ends", async () => (await before.status()).feed.state === "ended")
    await eventually("its minutes are there", async () => (await before.bars(range)).bars.length === 390)
    const folded = await before.bars(range)
    await before.close()
    first.child.kill("SIGTERM")
    expect(await first.exited).toBe(0)

    const second = await serve("2013-10-08")
    const after = connect({ url: second.url })
    await eventually("the next recording ends", async () => (await after.status()).feed.state === "ended")
    const kept = await after.bars(range)
    await after.close()
    // the feed's own history of that day does not know how many trades there were
    expect(kept.bars.every(({ trades }) => trades > 0)).toBe(true)
    expect(kept.bars).toEqual(folded.bars)
  },
  120_000
)
