/** Signing up and in, in a real browser; every page of accounts, by axe; and a server that has none. */
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import {
  createToken,
  email,
  fillSignIn,
  focused,
  keysOf,
  live,
  newEmail,
  newInvestor,
  ownComplaints,
  PASSWORD,
  password,
  signedOut,
  signOut,
  signUp
} from "./support/account.ts"
import { seriousViolations } from "./support/axe.ts"
import { launch, openPage, phone } from "./support/browser.ts"
import { type RunningServer, startServer } from "./support/server.ts"

vi.setConfig({ testTimeout: 90_000 })

const OPERATOR = "the operator's token of this test"

const market = ["--symbols", "120", "--rate", "2", "--date", "2024-03-05"]

let server: RunningServer
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    startServer([...market, "--sign-in", "required", "--sign-in-attempts", "100"]),
    launch()
  ])
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

describe("signing up and in", () => {
  it("takes the keyboard only, and leads to the page that was wanted", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/s/AAPL`)
    await signedOut(page)
    expect(await page.title()).toBe("Sign in · LZStock")
    expect(await focused(page)).toBe("email")
    const link = page.getByRole("link", { name: "Create one" })
    for (let i = 0; i < 6 && !(await link.evaluate((one) => one === document.activeElement)); i++) {
      await page.keyboard.press("Tab")
    }
    await page.keyboard.press("Enter")
    await page.waitForURL("**/sign-up?then=**")
    await page.getByRole("button", { name: "Create account" }).waitFor()
    const address = newEmail("keyboard")
    await page.keyboard.type(address)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.waitForURL("**/s/AAPL")
    await page.getByTestId("last").waitFor()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main")
    await page.getByTestId("account-menu").focus()
    await page.keyboard.press("Enter")
    await page.getByRole("menu").getByText(address).waitFor()
    await page.keyboard.press("Enter")
    await page.waitForURL("**/account")
    await page.getByTestId("profile-email").getByText(address).waitFor()
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("says what is wrong beside the field, or above all of them, and sends nothing twice", async () => {
    const { page, complaints } = await openPage(browser, `${server.url}/sign-up`)
    const create = page.getByRole("button", { name: "Create account" })
    await email(page).fill("ada")
    await password(page).fill("short")
    await create.click()
    expect(await focused(page)).toBe("email")
    for (const field of [email(page), password(page)]) expect(await field.getAttribute("aria-invalid")).toBe("true")
    const hint = await password(page).evaluate((field) =>
      (field.getAttribute("aria-describedby") ?? "")
        .split(" ")
        .map((id) => document.getElementById(id)?.textContent ?? "")
        .join(" ")
    )
    expect(hint).toContain("Use at least 12 characters; this has 5.")
    await page.getByRole("alert").getByText("2 fields").waitFor()
    const address = newEmail("wrong")
    await email(page).fill(address)
    await password(page).fill("passwordpassword")
    await create.click()
    await page.getByText("Choose another").waitFor()
    expect(await focused(page)).toBe("password")
    let sent = 0
    page.on("request", (request) => {
      if (request.url().endsWith("/account/sign-up")) sent += 1
    })
    await password(page).fill(PASSWORD)
    await create.dblclick()
    await live(page)
    expect(sent).toBe(1)
    await signOut(page)

    await fillSignIn(page, address, "another four words")
    await page.getByRole("alert").getByText("password is wrong.").waitFor()
    expect(await focused(page)).toBe("password")
    await page.getByRole("link", { name: "Create one" }).click()
    await signUpRefused(page, address)
    expect(ownComplaints(complaints())).toEqual([])
    await page.context().close()
  })

  it("is made for password managers, and for those who want to see what they type", async () => {
    const { page } = await openPage(browser, `${server.url}/sign-in`)
    const attributes = (name: string) =>
      page
        .locator(`form input[name="${name}"]`)
        .evaluate((field) =>
          Object.fromEntries(["type", "autocomplete", "inputmode"].map((one) => [one, field.getAttribute(one)]))
        )
    expect(await attributes("email")).toEqual({ type: "email", autocomplete: "username", inputmode: "email" })
    expect(await attributes("password")).toMatchObject({ type: "password", autocomplete: "current-password" })
    await page.getByRole("button", { name: "Show password" }).click()
    expect(await attributes("password")).toMatchObject({ type: "text" })
    await page.getByRole("button", { name: "Hide password" }).click()
    await password(page).evaluate((field) =>
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "A", modifierCapsLock: true, bubbles: true }))
    )
    await page.getByText("Caps Lock is on.").waitFor()
    await page.goto(`${server.url}/sign-up`)
    await page.getByRole("button", { name: "Create account" }).waitFor()
    expect(await attributes("password")).toMatchObject({ type: "password", autocomplete: "new-password" })
    await page.context().close()
    const { page: account } = await newInvestor(browser, server.url, "/account")
    const form = account.getByTestId("password-form")
    expect(
      await form.locator("input").evaluateAll((fields) => fields.map((field) => field.getAttribute("autocomplete")))
    ).toEqual(["username", "current-password", "new-password"])
    expect(await form.locator('[autocomplete="username"]').inputValue()).toMatch(/@example\.org$/)
    await account.context().close()
  })

  it("keeps the address that was typed on the way from signing in to signing up, and back", async () => {
    const { page, email: address } = await newInvestor(browser, server.url)
    await signOut(page)
    await email(page).fill(address)
    await page.getByRole("link", { name: "Create one" }).click()
    await page.getByRole("button", { name: "Create account" }).waitFor()
    expect(await email(page).inputValue()).toBe(address)
    expect(await focused(page)).toBe("password")
    await signUpRefused(page, address)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.getByRole("button", { name: "Sign in" }).waitFor()
    expect(new URL(page.url()).pathname).toBe("/sign-in")
    expect(await email(page).inputValue()).toBe(address)
    await password(page).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await live(page)
    // nobody who comes after sees it
    await signOut(page)
    expect(await email(page).inputValue()).toBe("")
    await page.context().close()
  })

  it("has only that account wait whose password was tried too often", async () => {
    const strict = await startServer([...market, "--sign-in", "required", "--sign-in-attempts", "2"])
    onTestFinished(() => strict.stop())
    const { page, complaints } = await openPage(browser, `${strict.url}/sign-in`)
    const first = newEmail("first")
    for (const _ of [1, 2]) {
      await fillSignIn(page, first, "not the right password")
      await page.getByRole("alert").getByText("password is wrong").waitFor()
    }
    await fillSignIn(page, first, "not the right password")
    const waiting = page.getByRole("button", { name: /Try again in \d+ s/ })
    await waiting.waitFor()
    await page.getByRole("alert").getByText("Too many tries with this e-mail address.").waitFor()
    await email(page).fill(newEmail("second"))
    await page.getByRole("alert").getByText("Too many tries").waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("alert").getByText("password is wrong").waitFor()
    await email(page).fill(` ${first.toUpperCase()}`)
    await waiting.waitFor()
    expect(await waiting.isDisabled()).toBe(true)
    expect(ownComplaints(complaints())).toEqual([])
    await page.context().close()
  })

  it("waits as long as the server asks for, and waits for a server that does not answer", async () => {
    const { page } = await openPage(browser, `${server.url}/sign-in`)
    await page.route("**/account/sign-in", (route) =>
      route.fulfill({
        status: 429,
        contentType: "application/json",
        body: JSON.stringify({ error: "LimitExceeded", message: "Too many attempts", retryAfterMillis: 2_500 })
      })
    )
    await fillSignIn(page, newEmail())
    const waiting = page.getByRole("button", { name: /Try again in \d s/ })
    await waiting.waitFor()
    expect(await waiting.isDisabled()).toBe(true)
    await page.getByRole("button", { name: "Sign in" }).waitFor()
    await page.getByText("You can try again now.").waitFor({ state: "attached" })
    await page.unroute("**/account/sign-in")
    await page.route("**/account/state", (route) => route.abort())
    await page.reload()
    await page.getByRole("heading", { name: "The server could not be reached" }).waitFor()
    await page.unroute("**/account/state")
    await signedOut(page)
    await page.context().close()
  })
})

const signUpRefused = async (page: Page, address: string) => {
  await email(page).fill(address)
  await password(page).fill(PASSWORD)
  await page.getByRole("button", { name: "Create account" }).click()
  await page.getByText("There is an account with this address already.").waitFor()
  expect(await focused(page)).toBe("email")
}

describe("a server where only its operator makes accounts", () => {
  it("asks for the operator's token, and says why", async () => {
    const options = ["--sign-in", "required", "--sign-up", "operator", "--operator-token", OPERATOR]
    const operators = await startServer([...market, ...options])
    onTestFinished(() => operators.stop())
    const { page } = await openPage(browser, operators.url)
    await signedOut(page)
    await page.getByRole("link", { name: "I am the operator" }).click()
    await page.getByText("only its operator makes accounts").waitFor()
    const create = page.getByRole("button", { name: "Create account" })
    const address = newEmail("operated")
    await email(page).fill(address)
    await password(page).fill(PASSWORD)
    await create.click()
    await page.getByText("Enter the operator's token.").waitFor()
    expect(await focused(page)).toBe("operator")
    await page.getByLabel("Operator's token").fill("a wrong one")
    await create.click()
    await page.getByText("This is not the operator's token.").waitFor()
    await page.getByLabel("Operator's token").fill(OPERATOR)
    await create.click()
    const made = page.getByTestId("made")
    await made.getByText(`The account ${address} is made.`).waitFor()
    for (const field of await page.locator("form input").all()) expect(await field.inputValue()).toBe("")
    await made.getByRole("link", { name: "Sign in" }).click()
    await page.getByRole("button", { name: "Sign in" }).waitFor()
    expect(await email(page).inputValue()).toBe(address)
    await password(page).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await live(page)
    await page.context().close()
  })
})

describe("a server without accounts", () => {
  it("has nothing to sign in to, and keeps what it always kept", async () => {
    const local = await startServer(market)
    onTestFinished(() => local.stop())
    const { page, complaints } = await openPage(browser, `${local.url}/sign-in`)
    await page.getByRole("heading", { name: "There is nothing to sign in to here" }).waitFor()
    await page.getByRole("link", { name: "To the market table" }).click()
    await live(page)
    await page.goto(`${local.url}/s/AAPL`)
    await page.getByTestId("last").waitFor()
    await page.keyboard.press("w")
    await page.getByText("AAPL added to the watch list").waitFor()
    expect((await keysOf(page)).sort()).toEqual(["lzstock.recent", "lzstock.watchlist"])
    await page.goto(`${local.url}/account`)
    await page.getByText("This server signs in whoever uses this machine.").waitFor()
    for (const absent of ["Password", "Signed-in browsers"]) {
      expect(await page.getByRole("heading", { name: absent }).count()).toBe(0)
    }
    expect(await page.getByRole("button", { name: /Sign out|Delete account/ }).count()).toBe(0)
    const secret = await createToken(page, local.url, "Local script")
    expect(secret).toMatch(/^lzs_/)
    await page.locator('[data-event="token-created"]').waitFor()
    expect(await seriousViolations(page)).toEqual([])
    expect(complaints()).toEqual([])
    await page.context().close()
  })
})

describe("every page of accounts", () => {
  const views = [
    ["dark", { colorScheme: "dark" }],
    ["light", { colorScheme: "light" }],
    ["phone", { viewport: phone, hasTouch: true, isMobile: true }]
  ] as const
  for (const [name, options] of views) {
    it(`has no serious accessibility violation and fits, ${name}`, async () => {
      const check = async (page: Page, what: string) => {
        expect(await seriousViolations(page), what).toEqual([])
        const [width, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        expect(width, what).toBeLessThanOrEqual(seen ?? 0)
      }
      const { page } = await openPage(browser, `${server.url}/sign-in`, { ...options, reducedMotion: "reduce" })
      await page.getByRole("button", { name: "Sign in" }).click()
      await check(page, "sign-in")
      await page.getByRole("link", { name: "Create one" }).click()
      await page.getByRole("button", { name: "Create account" }).click()
      await check(page, "sign-up")
      await signUp(page, newEmail(name))
      await createToken(page, server.url, "One")
      await page.getByTestId("token").waitFor()
      await page.locator('[data-event="signed-up"]').waitFor()
      await page.waitForFunction(() => document.querySelector(".skeleton") === null)
      await check(page, "account")
      // the page scrolls within the frame, which stays where it is
      expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBeLessThanOrEqual(0)
      for (const button of ["New token", "Revoke One", "Sign out everywhere", "Delete account…"]) {
        await page.getByRole("button", { name: button }).click()
        await page.locator('[role="dialog"], [role="alertdialog"]').waitFor()
        await check(page, button)
        await page.keyboard.press("Escape")
        await page.locator('[role="dialog"], [role="alertdialog"]').waitFor({ state: "detached" })
      }
      await page.getByTestId("password-form").getByRole("button", { name: "Change password" }).click()
      await check(page, "account, with errors")
      await page.context().close()
    })
  }
})
