import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, it } from "vitest"
import { check, importsOf, MAX_LINES, type SourceFile } from "./rules.ts"

const root = path.resolve(import.meta.dirname, "../..")
const folders = ["src", "ui", "bench", "test", "scripts", "examples"]

const sources: ReadonlyArray<SourceFile> = folders
  .flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`)
  )
  .map((name) => name.split(path.sep).join("/"))
  .filter((name) => /\.(ts|tsx|mjs|mts)$/.test(name) && !name.includes("node_modules/"))
  // its examples of what is wrong are wrong
  .filter((name) => name !== "test/architecture/architecture.test.ts")
  .map((name) => ({ path: name, text: readFileSync(path.join(root, name), "utf8") }))

describe("architecture", () => {
  it("finds the sources it is meant to judge", () => {
    const found = new Set(sources.map((file) => file.path))
    expect(found).toContain("src/rpc/market.ts")
    expect(found).toContain("src/app/main.ts")
    expect(found).toContain("scripts/setup.mjs")
  })

  it("holds in every file: arrows, packages, size, manners", () => {
    const violations = sources.flatMap(check).map(({ detail, path, rule }) => `${path}: ${rule}: ${detail}`)
    expect(violations).toEqual([])
  })
})

describe("the rules bite", () => {
  const rulesBroken = (file: string, text: string) => check({ path: file, text }).map(({ rule }) => rule)

  it.each([
    ["rpc → actors", "src/rpc/a.ts", 'import { x } from "../actors/market/Feed.ts"', "arrow"],
    ["actors → app", "src/actors/market/A.ts", 'import type { x } from "../../app/Config.ts"', "arrow"],
    ["context → context", "src/actors/market/A.ts", 'import { x } from "../sessions/Session.ts"', "arrow"],
    ["kernel → context", "src/actors/kernel/A.ts", 'export * from "../market/Feed.ts"', "arrow"],
    ["ui → actors", "ui/src/a.tsx", 'const x = await import("../../src/actors/market/bars.ts")', "arrow"],
    ["example → app", "examples/a.ts", 'import "../src/app/main.ts"', "arrow"],
    ["an import over several lines", "src/rpc/a.ts", 'import {\n  x,\n  y\n} from "../app/b.ts"', "arrow"]
  ])("%s", (_, file, text, rule) => {
    expect(rulesBroken(file, text)).toEqual([rule])
  })

  it.each([
    ["rpc with Node", "src/rpc/a.ts", 'import fs from "node:fs"'],
    ["a pure rule with the cluster", "src/actors/market/bars.ts", 'import { Entity } from "effect/cluster"'],
    ["an actor with a socket", "src/actors/market/A.ts", 'import { WebSocket } from "ws"'],
    ["the dashboard with Node", "ui/src/a.ts", 'import path from "node:path"']
  ])("%s", (_, file, text) => {
    expect(rulesBroken(file, text)).toHaveLength(1)
  })

  it.each([
    ["casts", "src/app/a.ts", "const a = b as any"],
    ["double casts", "src/app/a.ts", "const a = b as unknown as C"],
    ["silenced errors", "src/app/a.ts", "// @ts-ignore"],
    ["skipped tests", "src/app/a.test.ts", "it.effect.skip('x', f)"],
    ["one machine's paths", "src/app/a.ts", 'const a = "/home/me/x"'],
    ["sleeping tests", "src/app/a.test.ts", "setTimeout(f, 10)"]
  ])("%s", (_, file, text) => {
    expect(rulesBroken(file, text)).toEqual(["manners"])
  })

  it("long files", () => {
    expect(rulesBroken("src/app/a.ts", "\n".repeat(MAX_LINES))).toEqual(["size"])
  })

  it("and leave alone what is right", () => {
    const text = `
      // import { x } from "../../app/main.ts"
      /* import { x } from "../sessions/y.ts" */
      import { Effect } from "effect"
      import { Entity } from "effect/cluster"
      import { Bus } from "../kernel/Bus.ts"
      import type { Trade } from "../../rpc/ticks.ts"
      it.skipIf(absent)("x", f)
      const url = "https://example.org/import"
    `
    expect(check({ path: "src/actors/market/TickerActor.ts", text })).toEqual([])
    expect(importsOf(text)).toEqual(["effect", "effect/cluster", "../kernel/Bus.ts", "../../rpc/ticks.ts"])
  })
})
