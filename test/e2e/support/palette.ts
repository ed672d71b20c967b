/** The company palette as tests drive it. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { type OpenPage, openPage } from "./browser.ts"

export const input = (page: Page) => page.getByTestId("palette-input")
export const options = (page: Page) => page.getByRole("option")
/** Waits until the market is there: the page then hears keys. */
export const openReady = async (
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {}
): Promise<OpenPage> => {
  const open = await openPage(browser, url, options)
  await open.page.locator('[data-testid="connection"][data-status="open"]').waitFor()
  await open.page.locator("main h1").first().waitFor({ state: "attached" })
  return open
}
export const search = async (page: Page, text: string) => {
  await page.keyboard.press("Control+k")
  await page.keyboard.type(text)
}
/** Waits until this is the symbol on which the keys act. */
export const active = (page: Page, symbol: string, timeout = 30_000) =>
  page.waitForFunction(
    (wanted) => {
      const id = document.querySelector('[role="combobox"]')?.getAttribute("aria-activedescendant")
      const option = id === null || id === undefined ? null : document.getElementById(id)
      return option?.dataset.symbol === wanted && option.getAttribute("aria-selected") === "true"
    },
    symbol,
    { timeout }
  )
export const closed = (page: Page) => input(page).waitFor({ state: "detached" })
export const stored = (page: Page, key: string) => page.evaluate((name) => localStorage.getItem(name), key)
