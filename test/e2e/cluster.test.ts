/** The dashboard on two gateways of one cluster: the same prices on both, and what both say when nobody owns the symbols. */
import { Effect } from "effect"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, expect, it } from "vitest"
import { cluster } from "../support/cluster.ts"
import { isRecordingAbsent, recordedSymbols, replayOptions } from "../support/recordedDay.ts"
import { launch, openPage } from "./support/browser.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launch()
}, 60_000)
afterAll(() => browser?.close())

if (isRecordingAbsent) console.warn("SKIPPED: the recorded market data (../shared/data/market/lean) is not here")

const columns = ["symbol", "last", "change", "volume"]
/** A row as a reader sees it, but for its age. */
const prices = (page: Page) =>
  page.evaluate(
    (shown) =>
      Array.from(document.querySelectorAll('[role="row"][data-symbol]'), (row) =>
        shown.map((column) => row.querySelector(`[data-column="${column}"]`)?.textContent?.trim()).join(" ")
      ).sort(),
    columns
  )

it.skipIf(isRecordingAbsent)(
  "shows the same prices on either gateway, marks them when no node owns them, and takes that back",
  () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const { nodes } = yield* cluster({ markets: 2, nodeOptions: replayOptions("max") })
          yield* Effect.promise(async () => {
            const gateways = nodes.filter(({ role }) => role === "gateway")
            const pages = await Promise.all(gateways.map(({ url }) => openPage(browser, url)))
            for (const { page } of pages) await page.getByText("Feed ended").first().waitFor({ timeout: 60_000 })
            const [one, two] = pages
            if (one === undefined || two === undefined) throw new Error("two gateways are needed")
            await expect.poll(() => prices(two.page), { timeout: 20_000 }).toEqual(await prices(one.page))
            const shown = await prices(one.page)
            expect(shown).toHaveLength(recordedSymbols.length)
            expect(shown.every((row) => /\d+\.\d\d/.test(row))).toBe(true)

            const markets = nodes.filter(({ role }) => role === "market")
            await Promise.all(markets.map((node) => node.kill("SIGKILL")))
            const marked = ({ page }: { readonly page: Page }) => page.locator('[role="row"][data-stale]').count()
            for (const page of pages) {
              await expect.poll(() => marked(page), { timeout: 20_000 }).toBe(recordedSymbols.length)
            }
            await Promise.all(markets.map((node) => node.restart()))
            for (const page of pages) {
              await expect.poll(() => marked(page), { timeout: 30_000 }).toBe(0)
              expect(await prices(page.page)).toEqual(shown)
              expect(page.complaints()).toEqual([])
            }
          })
        })
      )
    ),
  180_000
)
