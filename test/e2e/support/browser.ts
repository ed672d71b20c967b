/** System Chromium, and pages that remember every complaint they made. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { requireChromium } from "../../../scripts/chromium.mjs"

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: requireChromium(),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })

export interface OpenPage {
  readonly page: Page
  /** Errors of the console and uncaught ones; a lost connection's own lines are left out. */
  readonly complaints: () => ReadonlyArray<string>
}

export const desktop = { width: 1440, height: 900 }
export const phone = { width: 390, height: 844 }

export const openPage = async (
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {}
): Promise<OpenPage> => {
  // far from New York on purpose: the page must show New York's time all the same
  const context = await browser.newContext({
    viewport: desktop,
    timezoneId: "Asia/Kolkata",
    colorScheme: "dark",
    ...options
  })
  const page = await context.newPage()
  const complaints: Array<string> = []
  page.on("console", (message) => {
    if (message.type() === "error" && !/WebSocket connection to/.test(message.text())) complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)))
  await page.goto(url)
  return { page, complaints: () => complaints }
}
