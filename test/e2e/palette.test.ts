/** The company palette in a real browser, by keyboard and by touch. */
import type { Browser, BrowserContextOptions } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { seriousViolations } from "./support/axe.ts"
import { launch, openPage, phone } from "./support/browser.ts"
import { active, closed, input, openReady, options, search, stored } from "./support/palette.ts"
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

const opened = (path = "", options: BrowserContextOptions = {}) => openReady(browser, server.url + path, options)

describe("the palette", () => {
  it("opens by /, finds Apple as one types, shows a price that moves, and opens its page by Enter", async () => {
    const { page, complaints } = await opened()
    await page.keyboard.press("/")
    // at once: the next key is typed into it
    await page.keyboard.type("appl")
    await active(page, "AAPL")
    expect(await input(page).inputValue()).toBe("appl")
    const first = options(page).first()
    expect(await first.getAttribute("data-symbol")).toBe("AAPL")
    expect(await first.locator("mark").textContent()).toBe("Appl")
    expect(await first.textContent()).toContain("NASDAQ · Information Technology")

    const price = first.locator("[data-price]")
    await page.waitForFunction(() =>
      /[\d,.]+[▲▼■] [+−]?\d/.test(document.querySelector("[role=option] [data-price]")?.textContent ?? "")
    )
    const before = await price.textContent()
    await page.waitForFunction(
      (text) => document.querySelector("[role=option] [data-price]")?.textContent !== text,
      before
    )
    expect(await page.getByRole("dialog").getByTestId("feed-label").textContent()).toBe("SIMULATED")
    await page
      .getByTestId("palette-status")
      .getByText(/results?$/)
      .waitFor({ state: "attached" })

    await page.keyboard.press("ArrowDown")
    await active(page, "AMAT")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await page.waitForURL("**/s/AAPL")
    await closed(page)
    await page.waitForFunction(() => document.activeElement?.id === "main")
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("opens by Ctrl+K from within a text field, where / is a letter, and gives the focus back", async () => {
    const { page } = await opened()
    const filter = page.getByRole("searchbox")
    await page.keyboard.press("Shift+F")
    await page.keyboard.type("a/b")
    expect(await filter.inputValue()).toBe("a/b")
    await search(page, "ford")
    await options(page).first().waitFor()
    // first the text goes, then the palette
    await page.keyboard.press("Escape")
    expect(await input(page).inputValue()).toBe("")
    await page.keyboard.press("Escape")
    await closed(page)
    await page.waitForFunction(() => document.activeElement?.getAttribute("type") === "search")
    expect(await filter.inputValue()).toBe("a/b")
    // the same key closes it too, and a click beside it
    await page.keyboard.press("Control+k")
    await input(page).waitFor()
    await page.keyboard.press("Control+k")
    await closed(page)
    await page.getByTestId("open-palette").click()
    await input(page).waitFor()
    await page.mouse.click(20, 400)
    await closed(page)
    await page.context().close()
  })

  it("opens the first of the answer when Enter came before it", async () => {
    const { page } = await opened()
    // in one go: nothing is answered between these keys
    await page.evaluate(() => {
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true }))
      const field = document.querySelector<HTMLInputElement>('[role="combobox"]')
      if (field === null) throw new Error("the palette is not there at once")
      field.value = "coca cola"
      field.dispatchEvent(new InputEvent("input", { bubbles: true }))
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }))
    })
    await page.waitForURL("**/s/KO")
    await page.context().close()
  })

  it("keeps the caret's keys for the text, and goes round with the arrows", async () => {
    const { page } = await opened()
    await search(page, "goog")
    await active(page, "GOOG")
    // both classes of the company
    expect(await options(page).evaluateAll((all) => all.map((one) => one.dataset.symbol))).toEqual(["GOOG", "GOOGL"])
    await page.keyboard.press("Home")
    await page.keyboard.press("End")
    await active(page, "GOOG")
    await page.keyboard.press("ArrowUp")
    await active(page, "GOOGL")
    await page.keyboard.press("ArrowDown")
    await active(page, "GOOG")
    await page.context().close()
  })

  it("goes on to further results beyond the last one", async () => {
    const { page } = await opened()
    await search(page, "a")
    await options(page).nth(14).waitFor()
    const before = await options(page).count()
    for (let i = 0; i < before; i++) await page.keyboard.press("ArrowDown")
    await options(page).nth(before).waitFor()
    await page.waitForFunction((count) => {
      const all = [...document.querySelectorAll('[role="option"]')]
      return all.findIndex((one) => one.getAttribute("aria-selected") === "true") === count
    }, before)
    const symbols = await options(page).evaluateAll((all) => all.map((one) => one.dataset.symbol))
    expect(new Set(symbols).size).toBe(symbols.length)
    await page.context().close()
  })

  it("finds what a company was called once, and says what became of that", async () => {
    const { page } = await opened()
    await search(page, "fb")
    await active(page, "META")
    const meta = options(page).first()
    expect(await meta.getByTestId("palette-also").textContent()).toBe("FB until 2022-06-09: renamed")
    expect(await meta.locator("mark").textContent()).toBe("FB")
    await input(page).fill("twtr")
    await active(page, "TWTR")
    expect(await options(page).first().textContent()).toContain("NO LONGER TRADED")
    expect(await options(page).first().locator("[data-price]").textContent()).toBe("– no price here")
    await page.context().close()
  })

  it("asks what was meant by a typo, and helps where nothing is found", async () => {
    const { page } = await opened()
    await search(page, "microsft")
    await active(page, "MSFT")
    await page.getByRole("dialog").getByText("Did you mean", { exact: true }).waitFor()
    await page.getByTestId("palette-status").getByText("No exact match. Did you mean").waitFor({ state: "attached" })
    await input(page).fill("qqzzxxyy")
    await page.getByText("No company matches “qqzzxxyy”").waitFor()
    expect(await input(page).getAttribute("aria-expanded")).toBe("false")
    await page.context().close()
  })

  it("bears whatever is pasted into it", async () => {
    const { page, complaints } = await opened()
    await page.keyboard.press("Control+k")
    for (const text of [
      "x".repeat(10_000),
      "👨‍👩‍👧‍👦".repeat(300),
      "\\d+(.*)[",
      "' OR 1=1 --",
      '<img src=x onerror="document.title=1">',
      "\u0000\u202e\ud83d"
    ]) {
      await input(page).fill(text)
      await page.waitForFunction(
        () =>
          document.querySelector('[data-testid="palette-nothing"]') !== null ||
          document.querySelector('[role="option"]') !== null
      )
    }
    expect(await page.getByTestId("palette-trouble").count()).toBe(0)
    await input(page).fill("appl")
    await active(page, "AAPL")
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("says that there is no connection, keeps what it has, and goes on by itself", async () => {
    const own = await startServer(["--symbols", "20", "--rate", "20", "--date", "2024-03-05"])
    onTestFinished(() => own.kill())
    const { page, complaints } = await openPage(browser, own.url)
    await page.locator('[data-testid="connection"][data-status="open"]').waitFor()
    await search(page, "appl")
    await active(page, "AAPL")
    await own.kill()
    await page.locator('[data-testid="connection"][data-status="reconnecting"]').waitFor({ state: "attached" })
    await input(page).fill("coca")
    await page.getByTestId("palette-trouble").getByText("No connection").waitFor()
    expect(await options(page).first().getAttribute("data-symbol")).toBe("AAPL")
    const again = await startServer(["--symbols", "20", "--rate", "20", "--date", "2024-03-05"], own.port)
    onTestFinished(() => again.stop())
    // it may have grown patient meanwhile
    await active(page, "KO", 60_000)
    expect(await page.getByTestId("palette-trouble").count()).toBe(0)
    expect(complaints()).toEqual([])
    await page.context().close()
  })

  it("follows the mouse only when it moves, and opens what is clicked, in a new tab with Ctrl", async () => {
    const { page } = await opened()
    await page.mouse.move(720, 300)
    await search(page, "bank")
    await active(page, "BAC")
    const second = options(page).nth(1)
    // what browsers tell when the list comes to lie below a mouse that rests
    await second.evaluate((option) => {
      const at = { bubbles: true, pointerType: "mouse", screenX: 720, screenY: 300 }
      for (let i = 0; i < 2; i++) option.dispatchEvent(new PointerEvent("pointermove", at))
    })
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    await active(page, "BAC")
    const symbol = (await second.getAttribute("data-symbol")) ?? ""
    await second.hover()
    await second.hover({ position: { x: 60, y: 20 } })
    await active(page, symbol)
    expect(await input(page).evaluate((field) => field === document.activeElement)).toBe(true)
    const popup = page.context().waitForEvent("page")
    await second.click({ modifiers: ["Control"] })
    const tab = await popup
    await tab.waitForURL(`**/s/${symbol}`)
    await tab.close()
    await second.click()
    await page.waitForURL(`**/s/${symbol}`)
    await page.context().close()
  })
})

describe("the palette is for everyone", () => {
  const views = [
    { name: "dark", options: { colorScheme: "dark" } },
    { name: "light", options: { colorScheme: "light" } },
    { name: "phone", options: { viewport: phone, hasTouch: true, isMobile: true } }
  ] as const
  for (const { name, options: context } of views) {
    it(`has no serious accessibility violation, ${name}`, async () => {
      const { page } = await opened("", { reducedMotion: "reduce", ...context })
      await page.evaluate(() => {
        localStorage.setItem("lzstock.watchlist", '["MSFT","TWTR"]')
        localStorage.setItem("lzstock.recent", '["AAPL"]')
      })
      await page.reload()
      await page.locator('[role="row"][data-symbol]').first().waitFor()
      await page.keyboard.press("/")
      await active(page, "AAPL")
      expect(await seriousViolations(page), "empty").toEqual([])
      for (const [text, symbol] of [
        ["twtr", "TWTR"],
        ["fb", "META"],
        ["microsft", "MSFT"]
      ] as const) {
        await input(page).fill(text)
        await active(page, symbol)
        expect(await seriousViolations(page), text).toEqual([])
      }
      await input(page).fill("qqzzxxyy")
      await page.getByTestId("palette-nothing").waitFor()
      expect(await seriousViolations(page), "nothing").toEqual([])
      await page.context().close()
    })
  }

  it("fills the phone's screen, is found by the thumb, and opens a company by a tap", async () => {
    const { page, complaints } = await opened("", { viewport: phone, hasTouch: true, isMobile: true })
    await page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Find" }).tap()
    await input(page).waitFor()
    expect(await input(page).evaluate((field) => Number.parseFloat(getComputedStyle(field).fontSize))).toBe(16)
    expect(await page.getByRole("dialog").boundingBox()).toEqual({ x: 0, y: 0, ...phone })
    await input(page).fill("appl")
    await active(page, "AAPL")
    const box = await options(page).first().boundingBox()
    expect(box?.height).toBeGreaterThanOrEqual(44)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
    await options(page).first().getByTestId("palette-star").tap()
    expect(await stored(page, "lzstock.watchlist")).toBe('["AAPL"]')
    await options(page).first().tap()
    await page.waitForURL("**/s/AAPL")
    await page.getByRole("button", { name: "AAPL on the watch list" }).waitFor()
    expect(complaints()).toEqual([])
    await page.context().close()
  })
})
