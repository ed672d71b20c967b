/** Where the focus and the selected row go, and what freezing says. */
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
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

/** Waits until the selected row stands whole below the head and above the table's end. */
const selectedInSight = (page: Page) =>
  page.waitForFunction(() => {
    const table = document.querySelector('[data-testid="market-table"]')?.getBoundingClientRect()
    const head = document.querySelector(".table-head")?.getBoundingClientRect()
    const row = document.querySelector('[role="row"][aria-selected="true"]')?.getBoundingClientRect()
    if (table === undefined || head === undefined || row === undefined) return false
    return row.top >= head.bottom - 1 && row.bottom <= table.bottom + 1
  })

it("keeps the selected row in sight, downwards and upwards", async () => {
  const { page } = await openPage(browser, server.url)
  await page.locator('[role="row"][data-symbol]:not([data-empty])').first().waitFor()
  await page.getByRole("columnheader", { name: "Symbol" }).getByRole("button").click()
  for (const [key, times] of [
    ["ArrowDown", 40],
    ["PageDown", 2],
    ["ArrowUp", 30],
    ["End", 1],
    ["PageUp", 1],
    ["Home", 1]
  ] as const) {
    for (let i = 0; i < times; i++) await page.keyboard.press(key)
    await selectedInSight(page)
  }
  await page.context().close()
})

it("gives the filter the focus when asked, and not again by itself", async () => {
  const { page } = await openPage(browser, server.url)
  const filter = page.getByRole("searchbox")
  const focused = () => filter.evaluate((field) => field === document.activeElement)
  await filter.waitFor()
  await page.keyboard.press("Shift+F")
  expect(await focused()).toBe(true)
  await page.keyboard.press("Escape")
  await page.locator('[role="row"][data-symbol="AAPL"] a, [role="row"][data-symbol] a').first().click()
  await page.waitForURL("**/s/*")
  await page.keyboard.press("Escape")
  await filter.waitFor()
  expect(await focused()).toBe(false)
  await page.context().close()
})

it("moves the focus with the skip link", async () => {
  const { page, complaints } = await openPage(browser, server.url)
  await page.locator('[role="row"][data-symbol]').first().waitFor()
  await page.keyboard.press("Tab")
  await page.keyboard.press("Enter")
  await page.waitForFunction(() => document.activeElement?.id === "main")
  expect(complaints()).toEqual([])
  await page.context().close()
})

it("says Frozen in words on a phone too", async () => {
  const { page } = await openPage(browser, server.url, { viewport: phone, hasTouch: true, isMobile: true })
  const navigation = page.getByRole("navigation", { name: "Main" })
  await navigation.getByTestId("freeze").tap()
  await navigation.getByText("Frozen").waitFor()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
  await page.context().close()
})
