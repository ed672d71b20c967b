/** A symbol's page in a real browser: chart, ranges, live bar, quote, table of bars. */
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { launch, openPage } from "./support/browser.ts"
import { type RunningServer, startServer } from "./support/server.ts"

// a browser, a server and a market share the cores with whatever else runs
vi.setConfig({ testTimeout: 90_000 })

let server: RunningServer
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    startServer(["--symbols", "60", "--rate", "20", "--date", "2024-03-05"]),
    launch()
  ])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

/** Waits until the chart holds at least this many bars. */
const bars = (page: Page, least: number) =>
  page.waitForFunction(
    (count) => Number(document.querySelector('[data-testid="chart"]')?.getAttribute("data-bars")) >= count,
    least
  )
const barCount = async (page: Page) => Number(await page.getByTestId("chart").getAttribute("data-bars"))

/** How many pixels of the chart have the colour of a rising or falling candle. */
const candlePixels = (page: Page) =>
  page.getByTestId("chart").evaluate((chart) => {
    const style = getComputedStyle(document.documentElement)
    const rgb = (name: string) => {
      const hex = style.getPropertyValue(name).trim().slice(1)
      return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
    }
    const wanted = [rgb("--up"), rgb("--down")]
    let found = 0
    for (const canvas of chart.querySelectorAll("canvas")) {
      const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] }
      for (let i = 0; i < data.length; i += 4) {
        if (wanted.some((colour) => colour.every((part, k) => Math.abs(part - (data[i + k] ?? 0)) < 3))) found += 1
      }
    }
    return found
  })

describe("a symbol's page", () => {
  it("shows who it is, what it costs, the label, candles, and the three clocks", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/s/AAPL`)
    await bars(page, 10)
    await page.getByTestId("last").waitFor()
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("AAPL")
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("Apple")
    expect(await page.getByTestId("headline").getByTestId("feed-label").textContent()).toBe("SIMULATED")
    expect(await page.getByTestId("change").textContent()).toMatch(/[▲▼■] [+−]?[\d,.]+ \([+−]?[\d.]+%\)/)
    expect(await candlePixels(page)).toBeGreaterThan(200)
    const clocks = (await page.getByTestId("clocks").textContent()) ?? ""
    expect(clocks).toMatch(/Exchange\d\d:\d\d:\d\d\.\d{3}.*Ingest\d\d:.*Sent\d\d:/)
    await page.waitForFunction(() => /^AAPL [\d,.]+ [▲▼■] .*SIMULATED/.test(document.title))
    expect(await page.locator("a[href*='tradingview.com']").count()).toBe(1)
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("moves its last bar", async () => {
    const { page } = await openPage(browser, `${server.url}/s/AAPL`)
    await bars(page, 10)
    const legend = page.getByTestId("legend")
    expect(await legend.textContent()).toMatch(/O.*H.*L.*C.*V/)
    const before = await legend.textContent()
    await page.waitForFunction((text) => document.querySelector('[data-testid="legend"]')?.textContent !== text, before)
    await legend.getByText("forming").waitFor()
    await page.context().close()
  })

  it("changes its range by button and by key, each with bars of its own length", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/s/MSFT`)
    await bars(page, 10)
    const interval = page.getByTestId("interval")
    for (const [range, length] of [
      ["1W", "5m"],
      ["1M", "30m"],
      ["YTD", "1d"],
      ["1Y", "1d"],
      ["5Y", "1w"],
      ["Max", "1mo"],
      ["1D", "1m"]
    ] as const) {
      await page.getByTestId(`range-${range}`).click()
      await bars(page, 2)
      expect(await page.getByTestId(`range-${range}`).getAttribute("aria-pressed")).toBe("true")
      expect(await interval.textContent()).toContain(length)
    }
    await page.getByTestId("interval").click()
    await page.getByRole("option", { name: "5 seconds", exact: true }).click()
    await bars(page, 2)
    expect(await interval.textContent()).toContain("5s")
    await page.keyboard.press("Escape")
    await page.goto(`${server.url}/s/MSFT`)
    await bars(page, 2)
    await page.keyboard.press("5")
    await page.waitForFunction(
      () => document.querySelector('[data-testid="range-1Y"]')?.getAttribute("aria-pressed") === "true"
    )
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("shows the crosshair's bar in the legend", async () => {
    const { page } = await openPage(browser, `${server.url}/s/AAPL`)
    await bars(page, 30)
    const newest = await page.getByTestId("legend").locator("span").first().textContent()
    const box = await page.getByTestId("chart").boundingBox()
    if (box === null) throw new Error("the chart has no box")
    await page.mouse.move(box.x + box.width * 0.55, box.y + box.height / 2)
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2)
    await page.waitForFunction((text) => {
      const first = document.querySelector('[data-testid="legend"] span')?.textContent
      return first !== undefined && first !== text
    }, newest)
    await page.context().close()
  })

  it("loads older bars as one scrolls to the left", async () => {
    const { page } = await openPage(browser, `${server.url}/s/AAPL`)
    await bars(page, 100)
    const before = await barCount(page)
    const box = await page.getByTestId("chart").boundingBox()
    if (box === null) throw new Error("the chart has no box")
    await page.mouse.move(box.x + 200, box.y + box.height / 2)
    for (let turn = 0; turn < 40 && (await barCount(page)) <= before + 5; turn++) {
      await page.mouse.wheel(-2_000, 0)
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
    }
    await bars(page, before + 50)
    await page.context().close()
  })

  it("offers the same bars as a table", async () => {
    const { page } = await openPage(browser, `${server.url}/s/AAPL`)
    await bars(page, 10)
    await page.getByTestId("view-table").click()
    const table = page.getByTestId("bars-table")
    await table.locator("tbody tr").first().waitFor()
    const cells = await table.locator("tbody tr").nth(1).locator("td").allTextContents()
    expect(cells[0]).toMatch(/^\d+ \w{3} \d{4} \d\d:\d\d$/)
    const [open, high, low, close] = cells.slice(1, 5).map((text) => Number(text.replace(/[▲▼■,\s]/g, "")))
    expect(high).toBeGreaterThanOrEqual(Math.max(open ?? Number.NaN, close ?? Number.NaN))
    expect(low).toBeLessThanOrEqual(Math.min(open ?? Number.NaN, close ?? Number.NaN))
    await page.context().close()
  })
})
