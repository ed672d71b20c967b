/** The account page in a real browser: what an investor sees of their own, and of nobody else's. */
import { readFile } from "node:fs/promises"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { until } from "../../scripts/services/processes.mjs"
import { connect } from "../../src/rpc/client.ts"
import {
  createToken,
  email,
  fillSignIn,
  focused,
  keysOf,
  live,
  newEmail,
  newInvestor,
  otherBrowser,
  ownComplaints,
  PASSWORD,
  signedOut,
  signIn,
  signOut,
  signUp
} from "./support/account.ts"
import { launch } from "./support/browser.ts"
import { stored } from "./support/palette.ts"
import { type RunningServer, startServer } from "./support/server.ts"

vi.setConfig({ testTimeout: 90_000 })

let server: RunningServer
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    startServer([
      "--symbols",
      "120",
      "--rate",
      "2",
      "--date",
      "2024-03-05",
      "--sign-in",
      "required",
      "--sign-in-attempts",
      "100"
    ]),
    launch()
  ])
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

const idOf = async (page: Page) =>
  /lzstock\.\w+\.(.+)/.exec((await keysOf(page)).find((key) => key.startsWith("lzstock.")) ?? "")?.[1]

describe("the tabs and browsers of an investor", () => {
  it("are signed out together, come back together, and the back button shows nothing", async () => {
    const { page, complaints, email: address } = await newInvestor(browser, server.url, "/s/AAPL")
    const other = await page.context().newPage()
    await other.goto(`${server.url}/browse`)
    await live(other)
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Browse" }).click()
    await page.waitForURL("**/browse")
    await signOut(page)
    await page.getByTestId("reason").getByText("You are signed out.").waitFor()
    await signedOut(other)
    expect(new URL(other.url()).searchParams.get("then")).toBe("/browse")
    await page.goBack()
    await signedOut(page)
    await signIn(page, address)
    await live(other)
    await other.waitForURL("**/browse")
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("can be signed out one by one, and all at once", async () => {
    const { page, email: address } = await newInvestor(browser, server.url, "/account")
    const { page: other } = await otherBrowser(browser, server.url, address, "/s/MSFT")
    await other.getByTestId("last").waitFor()
    await page.clock.install()
    let answers = 0
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => void (String(payload).includes('"lastSeenAt"') && answers++))
    )
    await page.reload()
    const list = page.getByTestId("browser")
    await list.nth(1).waitFor()
    expect(await list.first().textContent()).toContain("This browser")
    await list
      .nth(1)
      .getByRole("button", { name: /^Sign out / })
      .click()
    await page.getByRole("alertdialog").waitFor()
    // the list is asked for again: the question stays
    const before = answers
    await page.clock.fastForward(21_000)
    expect(await until(() => answers > before, 10_000)).toBe(true)
    await page.evaluate(() => new Promise(requestAnimationFrame))
    await page.getByRole("alertdialog").getByRole("button", { name: "Sign it out" }).click({ timeout: 5_000 })
    await signedOut(other)
    await other.getByTestId("reason").getByText("signed out from another one").waitFor()
    expect(new URL(other.url()).searchParams.get("then")).toBe("/s/MSFT")
    await page.getByRole("alertdialog").waitFor({ state: "detached" })
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="browser"]').length === 1)
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("browsers-heading")
    await page.locator('[data-event="sign-in-ended"]').waitFor()

    await signIn(other, address)
    await other.waitForURL("**/s/MSFT")
    await page.getByRole("button", { name: "Sign out everywhere" }).click()
    await page.getByRole("alertdialog").getByRole("button", { name: "Sign out everywhere" }).click()
    await signedOut(page)
    await page.getByText("You are signed out everywhere.").waitFor()
    await signedOut(other)
    await page.context().close()
    await other.context().close()
  })

  it("are signed out by a new password, all but the one it was changed in", async () => {
    const { page, complaints, email: address } = await newInvestor(browser, server.url, "/account")
    const tab = await page.context().newPage()
    await tab.goto(`${server.url}/s/AAPL`)
    await live(tab)
    const { page: other } = await otherBrowser(browser, server.url, address)
    const form = page.getByTestId("password-form")
    const next = "another row of four words"
    await form.getByLabel("Current password", { exact: true }).fill("not this one at all")
    await form.getByLabel("New password", { exact: true }).fill(next)
    await form.getByRole("button", { name: "Change password" }).click()
    await form.getByText("This is not your current password.").waitFor()
    expect(await focused(page)).toBe("current")
    await form.getByLabel("Current password", { exact: true }).fill(PASSWORD)
    await form.getByRole("button", { name: "Change password" }).click()
    await page.getByTestId("password-changed").waitFor()
    expect(await page.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("password-changed")
    await signedOut(other)
    await live(page)
    await live(tab)
    await tab.waitForURL("**/s/AAPL")
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="browser"]').length === 1)
    await fillSignIn(other, address)
    await other.getByText("password is wrong").waitFor()
    await signIn(other, address, next)
    expect(ownComplaints(complaints())).toEqual([])
    await page.context().close()
    await other.context().close()
  })
})

describe("what is an investor's own", () => {
  const collect = async (page: Page, symbols: ReadonlyArray<string>) => {
    for (const symbol of symbols) {
      await page.goto(`${server.url}/s/${symbol}`)
      await page.getByTestId("last").waitFor()
      await page.keyboard.press("w")
      await page.getByRole("button", { name: `${symbol} on the watch list`, pressed: true }).waitFor()
    }
  }
  const remembered = async (page: Page) => {
    await page.keyboard.press("Control+k")
    await page.getByTestId("palette-input").waitFor()
    const options = await page.getByRole("option").evaluateAll((all) => all.map((one) => one.dataset.symbol))
    await page.keyboard.press("Escape")
    return options
  }

  it("is seen by nobody else, in another browser or in the same one", async () => {
    const { page: ada, email: adas } = await newInvestor(browser, server.url, "/s/AAPL", {}, newEmail("ada"))
    const { page: bob } = await newInvestor(browser, server.url, "/s/KO", {}, newEmail("bob"))
    await collect(ada, ["AAPL"])
    await collect(bob, ["KO"])
    await createToken(ada, server.url, "Ada's script")
    for (const page of [ada, bob]) {
      await page.goto(`${server.url}/account`)
      await page.getByTestId("browser").first().waitFor()
      expect(await page.getByTestId("browser").count()).toBe(1)
    }
    await bob.getByText("No tokens yet").waitFor()
    expect(await bob.getByText("Ada's script").count()).toBe(0)
    await bob.goto(server.url)
    await live(bob)
    expect(await remembered(bob)).toEqual(["KO", "KO"])

    // one after the other in one browser
    await ada.goto(server.url)
    await live(ada)
    await ada.getByRole("searchbox").fill("nothing matches this")
    await signOut(ada)
    await ada.getByRole("link", { name: "Create one" }).click()
    await signUp(ada, newEmail("eve"))
    expect(await ada.getByRole("searchbox").inputValue()).toBe("")
    expect(await ada.getByTestId("watched-only").textContent()).toContain("0")
    expect(await remembered(ada)).toEqual([])
    await ada.goto(`${server.url}/account`)
    await ada.getByText("No tokens yet").waitFor()
    expect(await ada.getByText(adas).count()).toBe(0)
    await signOut(ada)
    await signIn(ada, adas)
    expect(await ada.getByTestId("watched-only").textContent()).toContain("1")
    expect(await remembered(ada)).toEqual(["AAPL", "AAPL"])
    expect(await stored(ada, "lzstock.watchlist")).toBe(null)
    await ada.context().close()
    await bob.context().close()
  })

  it("is no place to be led to for whoever signs in next", async () => {
    const { page, email: address } = await newInvestor(browser, server.url, "/account")
    const { page: other } = await otherBrowser(browser, server.url, address, "/s/MSFT")
    await page.reload()
    await page.getByTestId("browser").nth(1).getByRole("button").click()
    await page.getByRole("button", { name: "Sign it out" }).click()
    await signedOut(other)
    await other.getByRole("link", { name: "Create one" }).click()
    await signUp(other, newEmail("next"))
    await other.waitForURL(`${server.url}/`)
    await page.context().close()
    await other.context().close()
  })

  it("are tokens, whose secret is shown once and opens the door until it is revoked", async () => {
    const { page, complaints } = await newInvestor(browser, server.url, "/account")
    const secret = await createToken(page, server.url, "Nightly report")
    expect(secret).toMatch(/^lzs_/)
    expect(await page.content()).not.toContain(secret)
    await page.reload()
    const row = page.getByTestId("token")
    await row.getByText("Nightly report").waitFor()
    expect(await row.textContent()).toMatch(/Read only.*expires in 30 days.*never used/)
    expect(await page.content()).not.toContain(secret)
    const client = connect({ url: server.url, token: secret })
    expect((await client.quote("AAPL")).symbol).toBe("AAPL")
    await row.getByRole("button", { name: "Revoke Nightly report" }).click()
    await page.getByRole("alertdialog").getByRole("button", { name: "Revoke token" }).click()
    await page.getByText("No tokens yet").waitFor()
    await vi.waitFor(() => expect(client.state.status).toBe("signed-out"), 10_000)
    await client.close()
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("are tokens of names that are kept as they are written, or refused", async () => {
    const { page } = await newInvestor(browser, server.url, "/account")
    await page.getByRole("button", { name: "New token" }).click()
    const dialog = page.getByRole("dialog")
    const name = dialog.getByLabel("Name")
    await name.fill("n".repeat(63))
    await dialog.getByTestId("name-room").getByText("3 too many").waitFor()
    await dialog.getByRole("button", { name: "Create token" }).click()
    await dialog.getByText("Use at most 60 characters; this has 63.").waitFor()
    expect(await focused(page)).toBe("name")
    await name.fill("n".repeat(60))
    await dialog.getByTestId("name-room").getByText("60 of 60 characters").waitFor()
    await dialog.getByText("nothing that a program could change, so both do the same").waitFor()
    await dialog.getByRole("button", { name: "Create token" }).click()
    await dialog.getByRole("button", { name: "Copy" }).first().click()
    await dialog.getByRole("button", { name: "Done" }).click()
    await page.getByTestId("token").getByText("n".repeat(60), { exact: true }).waitFor()
    await page.context().close()
  })

  it("can be taken along, and goes with the account", async () => {
    const { page, complaints, email: address } = await newInvestor(browser, server.url, "/s/AAPL")
    const { page: other } = await otherBrowser(browser, server.url, address)
    const tab = await page.context().newPage()
    await tab.goto(server.url)
    await live(tab)
    await collect(page, ["AAPL"])
    const id = await idOf(page)
    await page.goto(`${server.url}/account`)
    await page.getByRole("button", { name: "Delete account" }).click()
    const dialog = page.getByRole("dialog")
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      dialog.getByRole("button", { name: "Download" }).click()
    ])
    expect(download.suggestedFilename()).toMatch(/^lzstock-\d{4}-\d\d-\d\d\.json$/)
    const told: unknown = JSON.parse(await readFile(await download.path(), "utf8"))
    expect(told).toMatchObject({ investor: { id, email: address }, thisBrowser: { watchList: ["AAPL"] } })
    await dialog.getByText("lines of the server's audit log").waitFor()
    await dialog.locator('input[name="password"]').fill("not my password")
    await dialog.getByRole("button", { name: "Delete for good" }).click()
    await dialog.getByText("This is not your password.").waitFor()
    await dialog.locator('input[name="password"]').fill(PASSWORD)
    await dialog.getByRole("button", { name: "Delete for good" }).click()
    await page.getByRole("heading", { name: "Your account is deleted" }).waitFor()
    for (const elsewhere of [other, tab]) {
      await signedOut(elsewhere)
      await elsewhere.getByTestId("reason").getByText("This account was deleted.").waitFor()
    }
    expect(await keysOf(page)).toEqual([])
    expect(await page.evaluate(() => document.body.style.overflow)).not.toBe("hidden")
    await page.goBack()
    await page.getByRole("link", { name: "To the sign-in page" }).or(email(page)).first().waitFor()
    await page.goto(`${server.url}/sign-in`)
    await fillSignIn(page, address)
    await page.getByText("password is wrong").waitFor()
    expect(ownComplaints(complaints())).toEqual([])
    await page.context().close()
    await other.context().close()
  })
})
