import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../../../test/support/databases.ts"
import { makeData, makeTemplate, templateFolder } from "./PgliteData.ts"

describe("the embedded database's data", () => {
  it.live("is a copy of the template", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const template = path.join(folder, "template")
      mkdirSync(template)
      writeFileSync(path.join(template, "PG_VERSION"), "of the template")
      const data = path.join(folder, "database", "data")
      yield* Effect.promise(() => makeData(data, template))
      assert.strictEqual(readFileSync(path.join(data, "PG_VERSION"), "utf8"), "of the template")
    }).pipe(Effect.scoped)
  )

  it.live("has its template made ahead, as set-up does", () =>
    Effect.gen(function* () {
      yield* Effect.promise(makeTemplate)
      assert.isNotEmpty(readFileSync(path.join(templateFolder() ?? "", "PG_VERSION"), "utf8"))
    })
  )
})
