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
/** Keeps what is read out from now on: under load, the next text may be there before a test has seen this one. */
export const hearStatus = async (page: Page) => {
  const heard = await page.evaluateHandle(() => {
    const texts: Array<string> = []
    new MutationObserver(() => {
      const text = document.querySelector('[data-testid="palette-status"]')?.textContent ?? ""
      if (text !== texts.at(-1)) texts.push(text)
    }).observe(document.body, { childList: true, subtree: true, characterData: true })
    return texts
  })
  return (wanted: string) =>
    page.waitForFunction(({ texts, text }) => texts.includes(text), { texts: heard, text: wanted })
}
export const closed = (page: Page) => input(page).waitFor({ state: "detached" })
export const stored = (page: Page, key: string) => page.evaluate((name) => localStorage.getItem(name), key)
