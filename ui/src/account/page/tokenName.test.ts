import { Schema } from "effect"
import { expect, it } from "vitest"
import { CreateToken } from "../../../../src/rpc/investors.ts"
import { MOST_NAME, nameError, roomText } from "./tokenName.ts"

const isTaken = (name: string) =>
  Schema.decodeUnknownOption(CreateToken.payloadSchema)({ name, access: "read", days: 30 })._tag === "Some"

it("takes the names that the server takes, and says what is wrong with the others", () => {
  for (const name of ["Nightly report", "a".repeat(MOST_NAME), "📈".repeat(MOST_NAME)]) {
    expect(nameError(name), name).toBe(null)
    expect(isTaken(name), name).toBe(true)
  }
  for (const name of ["", "  ", "a\tb", "a".repeat(MOST_NAME + 1), "📈".repeat(MOST_NAME + 1)]) {
    expect(nameError(name), name).not.toBe(null)
    expect(isTaken(name), name).toBe(false)
  }
  expect(nameError("a".repeat(64))).toBe("Use at most 60 characters; this has 64.")
})

it("counts when the room gets scarce, without the space around that is not kept", () => {
  expect(roomText("Nightly report")).toBe(null)
  expect(roomText(` ${"a".repeat(52)} `)).toBe("52 of 60 characters")
  expect(roomText("a".repeat(60))).toBe("60 of 60 characters")
  expect(roomText("a".repeat(64))).toBe("64 of 60 characters: 4 too many")
})
