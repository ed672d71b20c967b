/** How a sign-in ends under a page that is open, what the page says of it, and the way back; and who is seen to be connected. */
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { connect } from "../../src/rpc/client.ts"
import {
  fillSignIn,
  live,
  newEmail,
  newInvestor,
  otherBrowser,
  ownComplaints,
  PASSWORD,
  signedOut,
  signIn,
  signUp
} from "./support/account.ts"
import { launch, openPage } from "./support/browser.ts"
import { type RunningServer, startServer } from "./support/server.ts"

vi.setConfig({ testTimeout: 90_000 })

const OPERATOR = "the operator's token of this test"
const market = ["--symbols", "40", "--rate", "2", "--date", "2024-03-05"]
const accounts = ["--sign-in", "required", "--sign-in-attempts", "100", "--operator-token", OPERATOR]

let server: RunningServer
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([startServer([...market, ...accounts]), launch()])
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

const reason = (page: Page, text: string) => page.getByTestId("reason").getByText(text).waitFor()
const wanted = (page: Page) => new URL(page.url()).searchParams.get("then")

describe("a page is told why", () => {
  it("an operator suspended the account, and lifted that", async () => {
    const { page, complaints, email } = await newInvestor(browser, server.url, "/s/AAPL")
    const operator = connect({ url: server.url, token: OPERATOR })
    onTestFinished(() => operator.close())
    await operator.account.setBan(OPERATOR, email, true)
    await signedOut(page)
    await reason(page, "suspended by whoever runs this server")
    await fillSignIn(page, email)
    await page.getByRole("alert").getByText("This account was suspended").waitFor()
    await operator.account.setBan(OPERATOR, email, false)
    await signIn(page, email)
    await page.waitForURL("**/s/AAPL")
    await page.goto(`${server.url}/account`)
    await page.getByText("Account suspended by the operator").waitFor()
    await page.getByText("Suspension lifted by the operator").waitFor()

    const { password } = await operator.account.resetPassword(OPERATOR, email)
    await signedOut(page)
    await reason(page, "gave your account another password")
    await signIn(page, email, password)
    expect(ownComplaints(complaints())).toEqual([])
    await page.context().close()
  })

  it("another browser did it: signed it out, signed all out, changed the password, deleted the account", async () => {
    const { page, email } = await newInvestor(browser, server.url, "/account")
    const { page: other } = await otherBrowser(browser, server.url, email, "/s/MSFT")
    const row = page.getByTestId("browser")
    await page.reload()
    await row.nth(1).getByRole("button").click()
    await page.getByRole("button", { name: "Sign it out" }).click()
    await signedOut(other)
    await reason(other, "signed out from another one. If that was not you")
    expect(wanted(other)).toBe("/s/MSFT")

    await signIn(other, email)
    await other.goto(`${server.url}/account`)
    await other.getByRole("button", { name: "Sign out everywhere" }).click()
    await other.getByRole("alertdialog").getByRole("button", { name: "Sign out everywhere" }).click()
    await reason(other, "You are signed out everywhere.")
    await signedOut(page)
    await reason(page, "with all others")

    const next = "another row of four words"
    await signIn(page, email)
    await signIn(other, email)
    const form = page.getByTestId("password-form")
    await form.getByLabel("Current password", { exact: true }).fill(PASSWORD)
    await form.getByLabel("New password", { exact: true }).fill(next)
    await form.getByRole("button", { name: "Change password" }).click()
    await signedOut(other)
    await reason(other, "Your password was changed in another browser")

    await signIn(other, email, next)
    await page.getByRole("button", { name: "Delete account" }).click()
    await page.getByRole("dialog").locator('input[name="password"]').fill(next)
    await page.getByRole("button", { name: "Delete for good" }).click()
    await page.getByRole("heading", { name: "Your account is deleted" }).waitFor()
    await signedOut(other)
    await reason(other, "This account was deleted.")
    await page.context().close()
    await other.context().close()
  })

  it("the server wants a sign-in now, and goes on where it was", async () => {
    let changed = await startServer(market)
    onTestFinished(() => changed.stop())
    const { page, complaints } = await openPage(browser, `${changed.url}/s/AAPL`)
    await live(page)
    await page.getByTestId("last").waitFor()
    await changed.stop()
    changed = await startServer([...market, ...accounts], changed.port)
    await signedOut(page)
    await reason(page, "This server asks everybody to sign in now.")
    expect(wanted(page)).toBe("/s/AAPL")
    await page.getByRole("link", { name: "Create one" }).click()
    await signUp(page, newEmail("first"))
    await page.waitForURL("**/s/AAPL")
    await page.getByTestId("last").waitFor()
    expect(ownComplaints(complaints())).toEqual([])
    await page.context().close()
  })
})

describe("who is connected", () => {
  it("is seen in the list, and who has left too", async () => {
    const { page, email } = await newInvestor(browser, server.url, "/account")
    const { page: other } = await otherBrowser(browser, server.url, email)
    const rows = page.getByTestId("browser")
    await page.reload()
    await rows.nth(1).waitFor()
    for (const row of await rows.all()) expect(await row.textContent()).toContain("connected now")
    await other.context().close()
    // it looks again by itself
    await rows.nth(1).getByText("seen just now").waitFor()
    expect(await rows.nth(0).textContent()).toMatch(/This browser.*connected now/)
    await page.context().close()
  })
})
