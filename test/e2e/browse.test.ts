/** Browsing companies, and what a symbol's page says of its company, in a real browser. */
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { seriousViolations } from "./support/axe.ts"
import { launch, openPage, phone } from "./support/browser.ts"
import { type RunningServer, startServer } from "./support/server.ts"

vi.setConfig({ testTimeout: 90_000 })

let server: RunningServer
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    startServer(["--symbols", "120", "--rate", "20", "--date", "2024-03-05"]),
    launch()
  ])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

const rows = (page: Page) => page.locator(".company-row")
const symbols = (page: Page) =>
  rows(page).evaluateAll((all) =>
    all
      .sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")))
      .map((row) => row.getAttribute("data-symbol") ?? "")
  )
const sectors = (page: Page) =>
  rows(page).evaluateAll((all) => [
    ...new Set(all.map((row) => row.querySelector('[data-column="sector"]')?.textContent))
  ])
const heading = (page: Page, text: string) => page.getByRole("heading", { level: 1, name: text, exact: true }).waitFor()

describe("the browse page", () => {
  it("narrows by facets that are in the address, and the back button takes that back", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/`)
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Browse" }).click()
    await page.waitForURL("**/browse")
    await rows(page).first().waitFor()
    await heading(page, "All companies")
    const facet = page.getByTestId("facet-sector").getByRole("link", { name: /^Energy/ })
    const count = Number(/\d+/.exec((await facet.textContent()) ?? "")?.[0])
    expect(count).toBeGreaterThan(10)
    await facet.click()
    await page.waitForURL("**/browse?sector=Energy")
    await heading(page, "Energy")
    await page.waitForFunction(
      (shown) => (document.querySelector('[data-testid="browse-count"]')?.textContent ?? "").startsWith(`${shown} `),
      count
    )
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.company-row [data-column="sector"]')].every(
        (cell) => cell.textContent === "Energy"
      )
    )
    await page
      .getByTestId("facet-exchange")
      .getByRole("link", { name: /^NYSE\b/ })
      .first()
      .click()
    await heading(page, "Energy, NYSE")
    await page.getByRole("navigation", { name: "Order" }).getByRole("link", { name: "symbol" }).click()
    await page.waitForURL("**/browse?sector=Energy&exchange=NYSE&order=symbol")
    await page.waitForFunction(() => document.querySelector(".company-row")?.getAttribute("data-symbol") === "AR")
    expect(await symbols(page)).toEqual([...(await symbols(page))].sort())

    await page.goBack()
    await page.goBack()
    await heading(page, "Energy")
    await page
      .getByTestId("facet-sector")
      .getByRole("link", { name: /^Energy/ })
      .click()
    await heading(page, "All companies")
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("loads page after page, down to the last, with whole rows and live prices on the way", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/browse?sector=Financials`)
    await rows(page).first().waitFor()
    const first = (await symbols(page))[0]
    await page.waitForFunction(() => /[▲▼■] [+−]?\d/.test(document.querySelector(".company-row")?.textContent ?? ""))
    const price = await rows(page).first().textContent()
    await page.waitForFunction((text) => document.querySelector(".company-row")?.textContent !== text, price)
    await page.getByTestId("load-more").focus()
    await page.keyboard.press("Enter")
    const end = page.getByText(/^All \d+ are shown/)
    await page.waitForFunction(() => {
      const list = document.querySelector('[data-testid="companies"]')
      list?.scrollTo(0, list.scrollHeight)
      return /All \d+ are shown/.test(list?.textContent ?? "")
    })
    const total = Number(/\d+/.exec((await end.textContent()) ?? "")?.[0])
    await page.waitForFunction(
      (last) => document.querySelector(`.company-row[aria-rowindex="${last + 1}"]`) !== null,
      total
    )
    expect((await symbols(page)).length).toBeLessThan(60)
    expect(await symbols(page)).not.toContain(first)
    expect(await sectors(page)).toEqual(["Financials"])
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("leads to the symbol's page from anywhere on a row, and back to the same filter", async () => {
    const { page } = await openPage(browser, `${server.url}/browse?sector=Energy`)
    await rows(page).first().waitFor()
    const symbol = (await symbols(page))[0] ?? ""
    await rows(page)
      .first()
      .click({ position: { x: 500, y: 20 } })
    await page.waitForURL(`**/s/${symbol}`)
    await page.goBack()
    await heading(page, "Energy")
    await page.getByRole("button", { name: `${symbol} on the watch list` }).click()
    expect(await page.evaluate(() => localStorage.getItem("lzstock.watchlist"))).toBe(JSON.stringify([symbol]))
    await page.context().close()
  })

  it("says so when nothing is left, and when a value is not known", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/browse?sector=Energy&exchange=Nowhere`)
    await page.getByText("Nothing is listed with these together").waitFor()
    await page.getByRole("link", { name: "Show all companies" }).click()
    await rows(page).first().waitFor()
    await page
      .getByTestId("facet-industry")
      .getByRole("link", { name: /Not known/ })
      .click()
    await page.waitForURL("**/browse?industry=")
    await heading(page, "industry not known")
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("has selects instead of the panel on a phone", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/browse`, {
      viewport: phone,
      hasTouch: true,
      isMobile: true
    })
    await rows(page).first().waitFor()
    expect(await page.getByTestId("facets").isVisible()).toBe(false)
    const label = await page.getByTestId("select-sector").locator("option", { hasText: "Utilities" }).textContent()
    await page.getByTestId("select-sector").selectOption({ label: label ?? "" })
    await page.waitForURL("**/browse?sector=Utilities")
    await heading(page, "Utilities")
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  for (const options of [
    { colorScheme: "dark" },
    { colorScheme: "light" },
    { viewport: phone, hasTouch: true, isMobile: true }
  ] as const) {
    it(`has no serious accessibility violation, ${"viewport" in options ? "phone" : options.colorScheme}`, async () => {
      const { page } = await openPage(browser, `${server.url}/browse?sector=Energy`, {
        reducedMotion: "reduce",
        ...options
      })
      await rows(page).first().waitFor()
      await page.waitForFunction(() => document.querySelector(".skeleton") === null)
      expect(await seriousViolations(page)).toEqual([])
      await page.context().close()
    })
  }
})

describe("a symbol's page says of its company", () => {
  it("who it is, where it is listed, what else it is traded as, and what it was called", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/s/GOOG`)
    await page.getByTestId("last").waitFor()
    const line = page.getByTestId("company-line")
    await line.getByRole("link", { name: "GOOGL" }).waitFor()
    expect(await line.textContent()).toContain("NASDAQ")
    const facts = page.getByTestId("company-facts")
    await facts.getByText("Former names and symbols").click()
    await facts.getByText("Google Inc.").waitFor()
    const edgar = facts.getByRole("link", { name: /1652044/ })
    expect(await edgar.getAttribute("href")).toBe(
      "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=0001652044"
    )
    expect(await edgar.getAttribute("rel")).toContain("noopener")
    await line.getByRole("link", { name: "GOOGL" }).click()
    await page.waitForURL("**/s/GOOGL")
    await line.getByRole("link", { name: "GOOG", exact: true }).waitFor()
    await line.getByRole("link", { name: "Communication Services" }).click()
    await page.waitForURL("**/browse?sector=Communication+Services")
    await heading(page, "Communication Services")
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("what has become of a former symbol, and of what is traded no more", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/s/FB`)
    await page.getByRole("heading", { name: "FB is META today (until 2022-06-09: renamed)" }).waitFor()
    await page.getByRole("link", { name: "Open META" }).click()
    await page.waitForURL("**/s/META")
    await page.getByTestId("last").waitFor()
    await page.goto(`${server.url}/s/TWTR`)
    await page.getByRole("heading", { name: /Twitter.* is traded no more/ }).waitFor()
    await page.getByText("TWTR was traded until 2022-10-28: taken private").waitFor()
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("that its prices are not told here, where the feed does not list it", async () => {
    const { page } = await openPage(browser, `${server.url}/s/HWM`)
    await page.getByRole("heading", { name: "No prices are told here" }).waitFor()
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("Howmet")
    expect(await page.title()).toContain("Howmet")
    await page.context().close()
  })

  it("what may have been meant by a symbol that nobody has", async () => {
    const { page } = await openPage(browser, `${server.url}/s/APPL`)
    await page.getByText(/did you mean AAPL \(Apple\)/).waitFor()
    await page.getByRole("button", { name: "Search for “APPL”" }).click()
    await page.locator('[role="option"][data-symbol="AAPL"]').waitFor()
    // longer than any symbol the server would read
    await page.goto(`${server.url}/s/${"A".repeat(60)}`)
    await page.getByText(/No company is known by the symbol A{32}/).waitFor()
    await page.context().close()
  })
})
