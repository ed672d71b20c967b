/** The server is killed and started again on the same port: the page says so, marks its values, and comes back by itself. */
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, expect, it } from "vitest"
import { launch, openPage } from "./support/browser.ts"
import { type RunningServer, startServer } from "./support/server.ts"

const options = ["--symbols", "40", "--rate", "20", "--date", "2024-03-05"]
let server: RunningServer
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([startServer(options), launch()])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

it("marks values stale while the server is gone, then resumes and says what was missed", async () => {
  const { page, complaints } = await openPage(browser, server.url)
  const status = (wanted: string) =>
    page.waitForFunction(
      (text) => document.querySelector('[data-testid="connection"]')?.getAttribute("data-status") === text,
      wanted
    )
  await status("open")
  const quoted = page.locator('[role="row"][data-symbol]:not([data-empty])')
  await quoted.first().waitFor()

  // from now on, whatever the badge says, with how many rows are marked at that moment
  const heard = await page.evaluateHandle(() => {
    const said = new Map<string, number>()
    new MutationObserver(() => {
      const text = document.querySelector('[data-testid="connection"]')?.textContent ?? ""
      said.set(text, Math.max(said.get(text) ?? 0, document.querySelectorAll('[role="row"][data-stale]').length))
    }).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true })
    return said
  })

  await server.kill()
  await status("reconnecting")
  await page.locator('[role="row"][data-stale]').first().waitFor()
  await page.waitForFunction(
    () => document.querySelectorAll('[role="row"][data-symbol]:not([data-stale])').length === 0
  )
  expect(await page.locator('[role="row"][data-stale] [data-column="age"]').first().textContent()).toContain("⚠")
  expect(await page.getByTestId("connection").textContent()).toMatch(/Reconnecting/)
  // values stay readable, and the label stays with them
  expect(await page.locator('[data-symbol] [data-column="last"]').first().textContent()).toMatch(/\d/)
  expect(await page.getByTestId("feed-label").first().textContent()).toBe("SIMULATED")

  server = await startServer(options, server.port)
  await status("open")
  await page.waitForFunction(() => document.querySelectorAll("[data-stale]").length === 0)
  await page.getByTestId("connection").getByText("Live").waitFor()
  const said = await heard.evaluate((map) => Object.fromEntries(map))
  expect(said["Catching up…"]).toBeGreaterThan(0)
  expect(said.Live).toBe(0)
  const toast = page.getByTestId("toasts").getByText(/^Back after/)
  await toast.waitFor()
  expect(await toast.textContent()).toMatch(/Back after \d+ (s|min), .*missed/)
  expect(await page.getByTestId("toasts").getAttribute("aria-live")).toBe("polite")
  expect(complaints().filter((line) => !/ERR_CONNECTION_REFUSED|WebSocket/.test(line))).toEqual([])
}, 90_000)
