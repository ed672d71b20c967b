/** What the page says when the feed breaks, when it is mended, and when trading in a symbol is halted. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, expect, it } from "vitest"
import { dayOfDate } from "../../src/actors/market/calendar.ts"
import { DayPlan } from "../../src/app/feeds/simulated/DayPlan.ts"
import { tradingDayOf } from "../../src/app/feeds/simulated/days.ts"
import { universe } from "../../src/app/feeds/simulated/universe.ts"
import { zipOf } from "../../src/app/feeds/testing/leanFolder.ts"
import { launch, openPage } from "./support/browser.ts"
import { startServer } from "./support/server.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launch()
}, 60_000)
afterAll(() => browser?.close())

/** A trade of 100 shares in Lean's layout: ms since midnight, price in 1/10,000 dollar. */
const trade = (millis: number, dollars: number) => `${millis},${dollars * 10_000},100,P,0,0`
const NINE = 9 * 3_600_000

it("says that the feed is down, and takes it back when the recording can be read", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "lzstock-lean-"))
  const zip = path.join(data, "tick/aapl/20131007_trade.zip")
  await mkdir(path.dirname(zip), { recursive: true })
  await writeFile(zip, "no zip")
  const server = await startServer(["--feed", "replay", "--data", data, "--date", "2013-10-07"])
  try {
    const { page, complaints } = await openPage(browser, `${server.url}/s/AAPL`)
    const banner = page.getByRole("alert").getByText(/The feed is down since \d\d:\d\d:\d\d ET/)
    await banner.waitFor()
    expect(await page.getByTestId("connection").textContent()).toContain("Feed down")
    // tried again meanwhile, and failed again: it must not flicker
    await page.evaluate(() => {
      const seen: Array<string> = []
      Object.assign(window, { seen })
      new MutationObserver(() =>
        seen.push(document.querySelector('[data-testid="connection"]')?.textContent ?? "")
      ).observe(document.body, { subtree: true, childList: true, characterData: true })
    })
    const failures = () => server.output().split("The feed failed").length
    const before = failures()
    const failedAgain = async (): Promise<void> => {
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
      if (failures() < before + 1) return failedAgain()
    }
    await failedAgain()
    const seen = await page.evaluate(() => ("seen" in window && Array.isArray(window.seen) ? window.seen : ["none"]))
    expect(seen.filter((text) => !String(text).includes("Feed down"))).toEqual([])

    await writeFile(zip, zipOf("ticks.csv", [trade(NINE, 101.5), trade(2 * NINE, 102)].join("\n")))
    await banner.waitFor({ state: "detached", timeout: 30_000 })
    expect(await page.getByTestId("connection").textContent()).toContain("Live")
    await page.waitForFunction(() => document.querySelector('[data-testid="last"]')?.textContent === "101.50")
    expect(complaints()).toEqual([])
  } finally {
    await server.stop()
    await rm(data, { recursive: true, force: true })
  }
}, 90_000)

const DATE = "2024-03-05"
const SYMBOLS = 40

/** The first seed whose day halts one of the symbols, and when. */
const findHalt = () => {
  const noon = (dayOfDate(DATE)?.midnight ?? 0) + 12 * 3_600_000
  const profiles = universe(SYMBOLS)
  for (let seed = 1; seed < 1_000; seed++) {
    for (const profile of profiles) {
      const plan = new DayPlan(seed, profile, tradingDayOf(noon), 1)
      if (plan.haltFrom >= 0) return { seed, symbol: profile.listing.symbol, minute: plan.haltFrom }
    }
  }
  throw new Error("no seed of 1,000 halts anything")
}

it("marks a symbol whose trading is halted, in the table and on its page", async () => {
  const { minute, seed, symbol } = findHalt()
  // ten seconds before it, two minutes a minute: five minutes of halt are long enough to look
  const seconds = 4 * 3_600 + minute * 60 - 10
  const start = [seconds / 3_600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0"))
    .join(":")
  const market = ["--symbols", String(SYMBOLS), "--seed", String(seed), "--date", DATE, "--start", start]
  const server = await startServer([...market, "--speed", "2"])
  try {
    const { page, complaints } = await openPage(browser, `${server.url}/s/${symbol}`)
    await page.getByTestId("headline").getByText("HALTED").waitFor({ timeout: 60_000 })
    await page.getByLabel("Back to the market table").click()
    const row = page.locator(`[role="row"][data-symbol="${symbol}"]`)
    await row.getByText("HALTED").waitFor()
    expect(await page.locator(".tag-halted:visible").count()).toBe(1)
    expect(complaints()).toEqual([])
  } finally {
    await server.stop()
  }
}, 120_000)
