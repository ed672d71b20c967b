/** Investors as tests make and drive them. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { openPage } from "./browser.ts"

export const PASSWORD = "four words in a row"

let made = 0
/** Of nobody yet. */
export const newEmail = (name = "ada"): string => `${name}.${process.pid}.${++made}@example.org`

export const email = (page: Page) => page.getByLabel("E-mail")
export const password = (page: Page) => page.getByLabel("Password", { exact: true })
export const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute("name") ?? "")
/** What the browser keeps for its investors. */
export const keysOf = (page: Page) =>
  page.evaluate(() => Object.keys(localStorage).filter((key) => /watchlist|recent/.test(key)))
/** Waits until the dashboard is there and live. */
export const live = (page: Page) => page.locator('[data-testid="connection"][data-status="open"]').waitFor()
/** Waits until this page is the sign-in page, with nothing of the market left on it. */
export const signedOut = async (page: Page): Promise<void> => {
  await page.getByRole("button", { name: "Sign in" }).waitFor()
  await page.waitForURL(/\/sign-in(\?|$)/)
  if ((await page.locator('[data-testid="connection"], [data-price], [data-testid="market-table"]').count()) > 0) {
    throw new Error("There is something of the market on the sign-in page")
  }
}

export const fillSignIn = async (page: Page, address: string, secret = PASSWORD): Promise<void> => {
  await email(page).fill(address)
  await password(page).fill(secret)
  await page.getByRole("button", { name: "Sign in" }).click()
}
export const signIn = async (page: Page, address: string, secret = PASSWORD): Promise<void> => {
  await fillSignIn(page, address, secret)
  await live(page)
}
export const signUp = async (page: Page, address: string, secret = PASSWORD): Promise<void> => {
  await email(page).fill(address)
  await password(page).fill(secret)
  await page.getByRole("button", { name: "Create account" }).click()
  await live(page)
}
export const signOut = async (page: Page): Promise<void> => {
  await page.getByTestId("account-menu").click()
  await page.getByRole("menuitem", { name: "Sign out" }).click()
  await signedOut(page)
}

/** A browser of its own in which a new investor has just signed up, on the page of that path. */
export const newInvestor = async (
  browser: Browser,
  url: string,
  path = "/",
  options: BrowserContextOptions = {},
  address = newEmail()
) => {
  const open = await openPage(browser, `${url}/sign-up?${new URLSearchParams([["then", path]])}`, options)
  await signUp(open.page, address)
  return { ...open, email: address }
}

/** Another browser of the same investor. */
export const otherBrowser = async (browser: Browser, url: string, address: string, path = "/") => {
  const open = await openPage(browser, url + path)
  await signIn(open.page, address)
  return open
}

/** Without what the browser itself says of answers that are refusals, and of a socket that the server closes under the page. */
export const ownComplaints = (complaints: ReadonlyArray<string>): ReadonlyArray<string> =>
  complaints.filter((text) => !/^Failed to load resource|^WebSocket is already in CLOSING/.test(text))

/** Its secret; the dialog is closed again. */
export const createToken = async (page: Page, url: string, name: string): Promise<string> => {
  await page.goto(`${url}/account`)
  await page.getByRole("button", { name: "New token" }).click()
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Name").fill(name)
  await dialog.getByLabel("30 days").check()
  await dialog.getByRole("button", { name: "Create token" }).click()
  const secret = await dialog.getByTestId("token-secret").inputValue()
  await page.keyboard.press("Escape")
  await dialog.getByText("You have not copied the secret yet").waitFor()
  await dialog.getByRole("button", { name: "Done" }).click()
  await dialog.waitFor({ state: "detached" })
  return secret
}
