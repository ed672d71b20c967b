import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, it } from "vitest"
import { catalogue } from "../../src/app/observability/catalogue.ts"

const src = path.resolve(import.meta.dirname, "../../src")

it("every gauge and counter that the code names is explained in src/app/observability/catalogue.ts", () => {
  const named = new Set(
    readdirSync(src, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !/\.(test|suite)\.ts$/.test(name))
      .flatMap((name) => [
        ...readFileSync(path.join(src, name), "utf8").matchAll(
          /(?:gauges\.(?:add|set|track)|\bcount)\(\s*"([a-z0-9_]+)"/g
        )
      ])
      .map((match) => match[1])
  )
  expect(named).toContain("sessions_active")
  expect([...named].filter((name) => name === undefined || !(name in catalogue))).toEqual([])
})
