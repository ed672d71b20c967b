import { describe, expect, it } from "vitest"
import { entrancePath, safePath, wantedOf } from "./wanted.ts"

describe("the page wanted before signing in", () => {
  it("is kept with the entrance's address, and read from it", () => {
    for (const path of ["/s/AAPL", "/s/BRK.B", "/browse?sector=Energy&order=name", "/account#tokens", "/s/%2F"]) {
      const address = entrancePath("/sign-in", path)
      expect(address).toMatch(/^\/sign-in\?then=/)
      expect(wantedOf(address.slice("/sign-in".length))).toBe(path)
    }
    expect(entrancePath("/sign-in", "/")).toBe("/sign-in")
    expect(wantedOf("")).toBe("/")
  })
  it("is the first page where an address leads anywhere else", () => {
    const elsewhere = [
      "https://evil.example",
      "//evil.example",
      "/\\evil.example",
      "\\\\evil.example",
      "/\t/evil.example",
      "/../..//evil.example",
      "javascript:alert(1)",
      "s/AAPL",
      "",
      "/sign-in",
      "/sign-in?then=/sign-in",
      "/sign-up",
      "/goodbye",
      `/${"a".repeat(600)}`
    ]
    for (const path of elsewhere) {
      expect(safePath(path), path).toBe("/")
      expect(wantedOf(`?${new URLSearchParams([["then", path]])}`), path).toBe("/")
    }
  })
})
