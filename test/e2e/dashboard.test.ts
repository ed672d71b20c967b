/** The live table in a real browser, against the real server and its simulated market. */
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { seriousViolations } from "./support/axe.ts"
import { launch, openPage, phone } from "./support/browser.ts"
import { type RunningServer, startServer } from "./support/server.ts"

// a browser, a server and a market share the cores with whatever else runs
vi.setConfig({ testTimeout: 90_000 })

let server: RunningServer
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    startServer(["--symbols", "300", "--rate", "20", "--date", "2024-03-05"]),
    launch()
  ])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

const rows = '[data-testid="market-table"] [role="row"][data-symbol]'
const rowTexts = (page: Page) =>
  page
    .locator(rows)
    .evaluateAll((all) =>
      all
        .sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")))
        .map((row) =>
          [...row.querySelectorAll('[role="gridcell"]')].map((cell) =>
            (cell.textContent ?? "").replace(/\s+/g, " ").trim()
          )
        )
    )
const symbols = async (page: Page) =>
  page
    .locator(rows)
    .evaluateAll((all) =>
      all
        .sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")))
        .map((row) => row.getAttribute("data-symbol") ?? "")
    )
/** Waits until the first row's last price is known. */
const quoted = (page: Page) =>
  page.waitForFunction((selector) => {
    const row = document.querySelector(selector)
    return row !== null && /\d/.test(row.querySelector('[data-column="last"]')?.textContent ?? "")
  }, rows)
const moved = async (page: Page) => {
  const before = JSON.stringify(await rowTexts(page))
  await page.waitForFunction(
    ([selector, text]) =>
      JSON.stringify([...document.querySelectorAll(selector ?? "")].map((row) => row.textContent)) !== text,
    [rows, before] as const
  )
}
const sortBy = (page: Page, name: string) => page.getByRole("columnheader", { name }).getByRole("button").click()
const numbersOf = (texts: ReadonlyArray<ReadonlyArray<string>>, column: number) =>
  texts.map((cells) => Number((cells[column] ?? "").replace(/[▲▼■,%+\s]/g, "").replace("−", "-")))

describe("the market table", () => {
  it("moves, says SIMULATED, and shows arrow and sign with every change", async () => {
    const { page, complaints } = await openPage(browser, server.url)
    await quoted(page)
    await moved(page)
    expect(await page.getByTestId("feed-label").first().textContent()).toBe("SIMULATED")
    expect(await page.getByTestId("feed-label").first().isVisible()).toBe(true)
    expect(await page.title()).toContain("SIMULATED")
    const texts = await rowTexts(page)
    expect(texts.length).toBeGreaterThan(15)
    for (const cells of texts) {
      expect(cells[3]).toMatch(/^(▲ \+|▼ −|■ 0)[\d,.]*/)
      expect(cells[4]).toMatch(/^(▲ \+|▼ −|■ |▲ |▼ )[\d.]+%$/)
      expect((cells[3] ?? "").charAt(0)).toBe((cells[4] ?? "").charAt(0))
    }
    await page.waitForFunction(
      () => Number.parseFloat(document.querySelector('[data-testid="update-rate"]')?.textContent ?? "0") > 0
    )
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("keeps New York's time in another zone's browser, and says what the market does next", async () => {
    const { page } = await openPage(browser, server.url)
    await page.waitForFunction(() =>
      /\d\d:\d\d:\d\d/.test(document.querySelector('[data-testid="clock"]')?.textContent ?? "")
    )
    const shown = (await page.getByTestId("clock").textContent()) ?? ""
    const hour = Number(/(\d\d):\d\d:\d\d/.exec(shown)?.[1])
    // the simulated market is open when it starts, wherever the machine and the browser are
    expect(hour).toBeGreaterThanOrEqual(9)
    expect(hour).toBeLessThan(16)
    expect(await page.getByTestId("session").first().textContent()).toMatch(/Market open.*closes in \d/)
    await page.context().close()
  })

  it("sorts by a column, both ways, and says so", async () => {
    const { page } = await openPage(browser, server.url)
    await quoted(page)
    await sortBy(page, "Symbol")
    expect((await symbols(page)).slice(0, 20)).toEqual([...(await symbols(page))].sort().slice(0, 20))
    const header = page.locator('[role="columnheader"][data-column="symbol"]')
    expect(await header.getAttribute("aria-sort")).toBe("ascending")
    await sortBy(page, "Symbol")
    expect(await header.getAttribute("aria-sort")).toBe("descending")
    await page.keyboard.press("f")
    await sortBy(page, "Change %")
    await page.waitForFunction(() => document.querySelector('[data-column="percent"][aria-sort="descending"]') !== null)
    const percents = numbersOf(await rowTexts(page), 4)
    expect(percents).toEqual([...percents].sort((a, b) => b - a))
    await page.context().close()
  })

  it("filters by symbol, company and sector, and helps when nothing matches", async () => {
    const { page } = await openPage(browser, server.url)
    await quoted(page)
    await page.keyboard.press("Shift+F")
    await page.keyboard.type("apple")
    await page.waitForFunction((selector) => document.querySelectorAll(selector).length < 5, rows)
    expect(await symbols(page)).toContain("AAPL")
    await page.keyboard.press("Escape")
    await page.waitForFunction((selector) => document.querySelectorAll(selector).length > 15, rows)

    await page.getByTestId("sector").click()
    await page.getByRole("option", { name: "Energy" }).click()
    await page.waitForFunction(() =>
      / of 300 symbols/.test(document.querySelector('[data-testid="row-count"]')?.textContent ?? "")
    )
    await page.keyboard.press("Shift+F")
    await page.keyboard.type("no such company")
    await page.getByText("Nothing matches").waitFor()
    await page.getByRole("button", { name: "Clear the filter" }).click()
    await page.waitForFunction((selector) => document.querySelectorAll(selector).length > 15, rows)
    await page.context().close()
  })

  it("is driven by the keyboard: rows, opening, help, and back", async () => {
    const { page, complaints } = await openPage(browser, server.url)
    await quoted(page)
    await sortBy(page, "Symbol")
    await page.getByTestId("market-table").focus()
    const order = await symbols(page)
    for (const key of ["j", "j", "ArrowDown", "k"]) await page.keyboard.press(key)
    const active = page.locator('[role="row"][aria-selected="true"]')
    expect(await active.getAttribute("data-symbol")).toBe(order[1])
    expect(await page.getByTestId("market-table").getAttribute("aria-activedescendant")).toBe(`row-${order[1]}`)
    await page.keyboard.press("End")
    await page.waitForFunction(
      () => document.querySelector('[role="row"][aria-selected="true"]')?.getAttribute("aria-rowindex") === "301"
    )
    await page.keyboard.press("Home")
    await page.keyboard.press("?")
    await page.getByRole("dialog").getByText("Next row").waitFor()
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await page.getByTestId("market-table").focus()
    await page.keyboard.press("Enter")
    await page.waitForURL(`**/s/${order[0]}`)
    await page.keyboard.press("Escape")
    await page.waitForURL(`${server.url}/`)
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("watches only what is listed and follows the scroll with whole rows", async () => {
    const { page } = await openPage(browser, server.url)
    await quoted(page)
    await page.getByTestId("market-table").evaluate((table) => table.scrollTo(0, 5_000))
    await page.waitForFunction((selector) => {
      const all = [...document.querySelectorAll(selector)]
      const top = Math.min(...all.map((row) => Number(row.getAttribute("aria-rowindex"))))
      return top > 100 && all.every((row) => /\d/.test(row.querySelector('[data-column="last"]')?.textContent ?? ""))
    }, rows)
    expect((await symbols(page)).length).toBeLessThan(60)
    await page.context().close()
  })

  it("freezes: values hold still, what waits is counted, and it catches up", async () => {
    const { page } = await openPage(browser, server.url)
    await quoted(page)
    // a row without a value yet gets one while frozen too
    await page.waitForFunction((selector) => document.querySelector(`${selector}[data-empty]`) === null, rows)
    await page.keyboard.press("f")
    expect(await page.getByTestId("freeze").first().getAttribute("aria-pressed")).toBe("true")
    const values = async () => (await rowTexts(page)).map((cells) => cells.slice(0, 9))
    const before = await values()
    await page.waitForFunction(() => / [1-9]\d* symbols have newer values/.test(document.body.textContent ?? ""))
    expect(await values()).toEqual(before)
    await page.keyboard.press("f")
    await moved(page)
    await page.context().close()
  })

  it("changes its theme by key and remembers it", async () => {
    const { page } = await openPage(browser, server.url)
    const themeOf = () => page.evaluate(() => document.documentElement.dataset.theme)
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(await themeOf()).toBe("dark")
    const dark = await background()
    await page.keyboard.press("t")
    expect(await themeOf()).toBe("light")
    expect(await background()).not.toBe(dark)
    await page.reload()
    expect(await themeOf()).toBe("light")
    await page.context().close()
  })

  it("does not flash for readers who asked for less motion", async () => {
    const { page } = await openPage(browser, server.url, { reducedMotion: "reduce" })
    await quoted(page)
    await page.evaluate(() => {
      const seen = { flashes: 0 }
      Object.assign(window, { seen })
      new MutationObserver((changes) => {
        seen.flashes += changes.length
      }).observe(document.body, { subtree: true, attributeFilter: ["data-flash"] })
    })
    await moved(page)
    await moved(page)
    expect(await page.evaluate(() => Object(window).seen.flashes)).toBe(0)
    await page.context().close()
  })
})

describe("on a phone", () => {
  it("shows two-line rows within the screen, and opens a symbol with a tap", async () => {
    const { page, complaints } = await openPage(browser, server.url, {
      viewport: phone,
      hasTouch: true,
      isMobile: true
    })
    await quoted(page)
    expect(await page.getByTestId("feed-label").first().isVisible()).toBe(true)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
    expect(await page.getByRole("navigation", { name: "Main" }).isVisible()).toBe(true)
    await page.locator(rows).first().tap()
    await page.waitForURL("**/s/*")
    await page.getByTestId("headline").getByTestId("last").waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
    await page.getByRole("button", { name: "Status" }).tap()
    await page.getByRole("dialog").getByText("Ticker actors").waitFor()
    expect(complaints()).toEqual([])
    await page.context().close()
  })
})

describe("every page", () => {
  const pages = ["/", "/browse", "/s/AAPL", "/s/FB", "/s/TWTR", "/s/NOSUCH", "/no/such/page"]
  for (const colorScheme of ["dark", "light"] as const) {
    it(`has no serious accessibility violation, ${colorScheme}`, async () => {
      for (const path of pages) {
        const { page } = await openPage(browser, server.url + path, { colorScheme, reducedMotion: "reduce" })
        await page.waitForFunction(() => document.querySelector(".skeleton") === null)
        expect(await seriousViolations(page), path).toEqual([])
        await page.context().close()
      }
    })
  }
  it("opens a share class's page by link and by address", async () => {
    const { page } = await openPage(browser, `${server.url}/s/BRK-B`)
    await page.getByTestId("last").waitFor()
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("BRK.BBerkshire")
    await page.context().close()
  })
  it("says so when there is no such page or symbol", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/no/such/page`)
    await page.getByText("There is no page here").waitFor()
    expect(await page.title()).toContain("not found")
    await page.goto(`${server.url}/s/NOSUCH`)
    await page.getByText("is not listed here").waitFor()
    await page.getByRole("link", { name: "To the market table" }).click()
    await quoted(page)
    expect(complaints()).toEqual([])
    await page.context().close()
  })
})
