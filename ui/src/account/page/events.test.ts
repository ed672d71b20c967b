import { expect, it } from "vitest"
import { aboutEvent, describeEvent } from "./events.ts"

it("says what happened in plain words, and what it does not know as it stands", () => {
  expect(describeEvent("sign-in-ended")).toBe("Another browser was signed out")
  expect(describeEvent("portfolio-shared")).toBe("portfolio-shared")
  expect(describeEvent("constructor")).toBe("constructor")
  const event = { id: "1", at: 1, event: "signed-in", result: "done", detail: null } as const
  expect(aboutEvent({ ...event, address: "192.0.2.1", device: "" })).toEqual(["192.0.2.1"])
})
