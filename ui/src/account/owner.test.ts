import { expect, it } from "vitest"
import { keyOf, LOCAL, ownKey, setOwner } from "./owner.ts"

it("keeps each investor's data under a key of their own, and nobody's under none", () => {
  expect(keyOf("lzstock.recent", LOCAL)).toBe("lzstock.recent")
  expect(keyOf("lzstock.recent", "a1")).toBe("lzstock.recent.a1")
  expect(ownKey("watchlist")).toBe(null)
  setOwner("a1")
  expect(ownKey("watchlist")).toBe("lzstock.watchlist.a1")
  setOwner(LOCAL)
  expect(ownKey("watchlist")).toBe("lzstock.watchlist")
})
