/** What the palette remembers, in a real browser: symbols looked at lately, and the watch list. */
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { launch } from "./support/browser.ts"
import { active, closed, hearStatus, input, openReady, options, search, stored } from "./support/palette.ts"
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

const opened = (path = "") => openReady(browser, server.url + path)

describe("what the palette remembers", () => {
  it("is what was looked at lately, with prices; one and all of it can be forgotten", async () => {
    const { page } = await opened("/s/AAPL")
    await page.getByTestId("last").waitFor()
    for (const symbol of ["MSFT", "KO"]) {
      await search(page, symbol.toLowerCase())
      await active(page, symbol)
      await page.keyboard.press("Enter")
      await page.waitForURL(`**/s/${symbol}`)
      await page.getByTestId("last").waitFor()
    }
    // a mistyped address is not worth remembering
    await page.goto(`${server.url}/s/NOSUCH`)
    await page.getByText("is not listed here").waitFor()
    expect(await stored(page, "lzstock.recent")).toBe('["KO","MSFT","AAPL"]')
    await page.keyboard.press("Control+k")
    await active(page, "KO")
    const symbols = () => options(page).evaluateAll((all) => all.map((one) => one.dataset.symbol))
    expect(await symbols()).toEqual(["KO", "MSFT", "AAPL"])
    await page.waitForFunction(() =>
      [...document.querySelectorAll("[role=option] [data-price]")].every((price) => /\d/.test(price.textContent ?? ""))
    )
    await page.keyboard.press("Shift+Delete")
    await active(page, "MSFT")
    expect(await symbols()).toEqual(["MSFT", "AAPL"])
    await page.getByRole("button", { name: "Clear" }).click()
    await page.getByText("Every listed company").waitFor()
    expect(await stored(page, "lzstock.recent")).toBe("[]")
    expect(await input(page).evaluate((field) => field === document.activeElement)).toBe(true)
    await page.context().close()
  })

  it("is the watch list, filled by a key, shown in the table, and heard by other tabs", async () => {
    const { page, complaints } = await opened()
    const other = await page.context().newPage()
    await other.goto(server.url)
    await other.getByTestId("watched-only").getByText("0").waitFor()
    const heard = await hearStatus(page)
    await search(page, "coca cola")
    await active(page, "KO")
    await page.keyboard.press("Alt+Enter")
    await heard("KO added to the watch list, 1 symbol")
    await input(page).fill("twtr")
    await active(page, "TWTR")
    await options(page).first().getByTestId("palette-star").click()
    await input(page).fill("")
    await page.getByRole("group", { name: "Watch list" }).getByRole("option").nth(1).waitFor()
    expect(await stored(page, "lzstock.watchlist")).toBe('["KO","TWTR"]')
    await other.getByTestId("watched-only").getByText("2").waitFor()
    await other.close()

    await page.keyboard.press("Escape")
    await closed(page)
    await page.getByTestId("watched-only").click()
    const rows = page.locator('[data-testid="market-table"] [role="row"][data-symbol]')
    await page.waitForFunction(
      () => document.querySelectorAll('[data-testid="market-table"] [role="row"][data-symbol]').length === 1
    )
    expect(await rows.first().getAttribute("data-symbol")).toBe("KO")
    await page.getByText("1 more without a price here").waitFor()
    // and off it by a key
    await page.getByTestId("market-table").focus()
    await page.keyboard.press("j")
    await page.keyboard.press("w")
    await page.getByText("Nothing of the watch list has a price here").waitFor()
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("is nothing where the storage holds something else", async () => {
    const { page, complaints } = await opened()
    await page.evaluate(() => {
      localStorage.setItem("lzstock.watchlist", '{"a":["<img src=x>"]}')
      localStorage.setItem("lzstock.recent", '["AAPL", 7, null, "<b>"]')
    })
    await page.reload()
    await page.locator('[role="row"][data-symbol]').first().waitFor()
    await page.keyboard.press("/")
    await active(page, "AAPL")
    expect(await options(page).count()).toBe(1)
    expect(complaints()).toEqual([])
    await page.context().close()
  })
})
