/** axe-core on a page: what it calls serious or critical, one line each. */
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import type { AxeResults } from "axe-core"
import type { Page } from "playwright-core"

const source = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

export const seriousViolations = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(await source)
  const results = await page.evaluate(async (): Promise<AxeResults> => {
    const { axe } = window as Window & { axe?: { run: (root: Document) => Promise<AxeResults> } }
    if (axe === undefined) throw new Error("axe did not load")
    return axe.run(document)
  })
  return results.violations
    .filter((violation) => violation.impact === "serious" || violation.impact === "critical")
    .flatMap((violation) =>
      violation.nodes.map((node) => `${violation.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`)
    )
}
