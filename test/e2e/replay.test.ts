/** A recorded day played into a real browser: what it shows is what was traded on 2013-10-07. */
import { existsSync } from "node:fs"
import path from "node:path"
import { Effect } from "effect"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readZipCsv } from "../../src/app/feeds/lean/zipCsv.ts"
import { launch, openPage } from "./support/browser.ts"
import { type RunningServer, repository, startServer } from "./support/server.ts"

const data = process.env.LZSTOCK_TEST_DATA ?? path.resolve(repository, "../shared/data")
const lean = path.join(data, "market/lean")
const trades = path.join(lean, "tick/spy/20131007_trade.zip")
const minutes = path.join(lean, "minute/spy/20131007_trade.zip")
const recorded = existsSync(trades) && existsSync(minutes)
if (!recorded) console.warn(`replay in the browser skipped: no recorded trades at ${trades}`)

const lines = async (zip: string): Promise<ReadonlyArray<ReadonlyArray<number>>> =>
  (await Effect.runPromise(readZipCsv(zip)))
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(",").map(Number))
const figure = (text: string | null | undefined) => Number((text ?? "").replace(/[▲▼■,\s]/g, ""))

describe.skipIf(!recorded)("2013-10-07, replayed", () => {
  let server: RunningServer
  let browser: Browser
  beforeAll(async () => {
    const replay = ["--feed", "replay", "--data", lean, "--date", "2013-10-07", "--speed", "max", "--symbols", "SPY"]
    ;[server, browser] = await Promise.all([startServer(replay), launch()])
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  it("shows the day's last price, volume and minutes, and says REPLAY", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/s/SPY`)
    // the recording's end, and the server's word that there is no more
    await page.getByText("Feed ended").first().waitFor({ timeout: 120_000 })
    const ticks = await lines(trades)
    const published = await lines(minutes)

    await page.waitForFunction(
      (price) => document.querySelector('[data-testid="last"]')?.textContent === price,
      ((ticks.at(-1)?.[1] ?? 0) / 10_000).toFixed(2)
    )
    expect(await page.getByTestId("headline").getByTestId("feed-label").textContent()).toBe("REPLAY")
    expect(await page.getByTestId("clock").textContent()).toContain("Mon 7 Oct")
    const volume = figure(await page.getByTestId("quote-panel").getByTestId("volume").textContent())
    // some trades count in no volume, and the published minutes leave out more of them than the tape does
    const reported = ticks.reduce((sum, tick) => sum + (tick[2] ?? 0), 0)
    const inMinutes = published.reduce((sum, bar) => sum + (bar[5] ?? 0), 0)
    expect(volume).toBeGreaterThanOrEqual(inMinutes)
    expect(volume).toBeLessThanOrEqual(reported)

    await page.reload()
    await page.waitForFunction(
      () => Number(document.querySelector('[data-testid="chart"]')?.getAttribute("data-bars")) > 700
    )
    await page.getByTestId("view-table").click()
    const older = page.getByRole("button", { name: "Older bars" })
    const rows = page.getByTestId("bars-table").locator("tbody tr")
    const count = Number(await page.getByTestId("chart").getAttribute("data-bars"))
    while ((await rows.count()) < count) await older.click()
    const shown = new Map(
      (
        await rows.evaluateAll((all) =>
          all.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent ?? ""))
        )
      ).map((cells) => [cells[0], cells.slice(1, 6).map(figure)])
    )

    const regular = published.filter(([time]) => (time ?? 0) >= 34_200_000 && (time ?? 0) < 57_600_000)
    expect(regular).toHaveLength(390)
    const names = ["open", "high", "low", "close", "volume"]
    for (const [column, name] of names.entries()) {
      const right = regular.filter((bar) => {
        const time = bar[0] ?? 0
        const clock = [Math.floor(time / 3_600_000), Math.floor(time / 60_000) % 60].map((n) =>
          String(n).padStart(2, "0")
        )
        const value = (bar[column + 1] ?? 0) / (name === "volume" ? 1 : 10_000)
        const row = shown.get(`7 Oct 2013 ${clock.join(":")}`)?.[column] ?? Number.NaN
        // prices are shown to the cent; the feed's sub-penny prints round to it
        return name === "volume" ? row === value : Math.abs(row - value) <= 0.005 + 1e-9
      }).length
      console.info(`${name}: ${right} of ${regular.length} minutes as published`)
      expect(right / regular.length, name).toBeGreaterThanOrEqual(name === "volume" ? 0.994 : 0.997)
    }
    expect(complaints()).toEqual([])
  }, 180_000)
})
