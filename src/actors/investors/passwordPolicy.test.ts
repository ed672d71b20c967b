import { assert, describe, it } from "@effect/vitest"
import { MAX_PASSWORD_LENGTH } from "../../rpc/investors.ts"
import { weakness } from "./passwordPolicy.ts"

const judge = (password: string, email = "ada.lovelace@example.com") => weakness(password, email, { minLength: 12 })

describe("a password", () => {
  it.each([
    "correct battery horse staple",
    "Tr0ub4dor&3-x",
    "пароль-из-слов",
    "🐎🔋📎🐴🍎🌊🌲🗻🎲🎻🧵🪁",
    "lovelace wrote the first program"
  ])("may be %s", (password) => {
    assert.isUndefined(judge(password))
  })

  it.each([
    ["short", "elevenchars"],
    // eleven characters, though 22 code units
    ["short for people", "🐎🔋📎🐴🍎🌊🌲🗻🎲🎻🧵"],
    ["of one character", "aaaaaaaaaaaaaaaa"],
    ["of four characters", "abcdabdcabcdbbca"],
    ["a unit over and over", "abcdabcdabcdabcd"],
    ["a row of keys", "qwertyuiopasd"],
    ["a row backwards", "lkjhgfdsapoiu"],
    ["digits in a row", "234567890123"],
    ["known to everybody", "PasswordPassword"],
    ["a common word with digits", "Password1234"],
    ["a common word with signs", "!!iloveyou!!1984"],
    ["a common word twice, with a year", "dragonDragon2026"],
    ["full of the e-mail address", "my ada.lovelace@example.com"],
    ["the mailbox twice", "ada.lovelaceada.lovelace"]
  ])("may not be %s", (_, password) => {
    assert.isString(judge(password), password)
  })

  it("may be as long as the contract says, and is judged as it is hashed", () => {
    const words = Array.from({ length: MAX_PASSWORD_LENGTH }, (_, i) => String.fromCharCode(97 + ((i * 7) % 23))).join(
      ""
    )
    assert.isUndefined(judge(words.slice(0, 20)))
    assert.include(judge(`${words}x`), `${MAX_PASSWORD_LENGTH}`)
    // full-width letters are the same letters
    assert.strictEqual(judge("ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ"), judge("passwordpassword"))
  })
})
