/** Tokens on the command line, and what operators see of accounts: against a scripted server. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { jsonLines, runCaptured } from "../../../test/support/commandLine.ts"
import { ScriptedMarket } from "../../../test/support/ScriptedMarket.ts"
import { OPERATOR } from "../../../test/support/scriptedCompanies.ts"
import { type AuditEvent, CredentialRefused } from "../../rpc/investors.ts"

const market = new ScriptedMarket()
let folder = ""
beforeAll(async () => {
  await market.start()
  folder = await mkdtemp(path.join(tmpdir(), "lzstock-cli-"))
  await writeFile(path.join(folder, "operator-token"), `${OPERATOR}\n`)
})
afterAll(async () => {
  await market.stop()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  market.investors.strict = true
  market.investors.shown.length = 0
  market.investors.judge = () => undefined
})

const ask = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  runCaptured([...args, "--url", market.url], env)
const asOperator = (args: ReadonlyArray<string>) => ask([...args, "--data-dir", folder])

describe("a server that wants to know who asks", () => {
  it("is told with LZSTOCK_TOKEN, and nothing else is asked before", async () => {
    expect((await ask(["quote", "AAPL"], { LZSTOCK_TOKEN: "lzs_mine" })).code).toBe(0)
    expect(market.investors.shown).toEqual([{ _tag: "Token", token: "lzs_mine" }])
  })

  it("a watch without a token is one line too, whatever else came with it", async () => {
    const { code, err, out } = await ask(["watch", "AAPL"])
    expect({ code, out }).toEqual({ code: 6, out: "" })
    expect(err).toMatch(/^lzstock: [^\n]* set LZSTOCK_TOKEN to a token of yours[^\n]*\n$/)
  })

  it("without a token, or with a wrong one: exit code 6, and a line that says what to do", async () => {
    const without = await ask(["quote", "AAPL"])
    expect(without).toMatchObject({ code: 6, out: "" })
    expect(without.err).toContain("set LZSTOCK_TOKEN to a token of yours, made on its account page")
    market.investors.judge = () => new CredentialRefused({ message: "it has expired" })
    const wrong = await ask(["status"], { LZSTOCK_TOKEN: "lzs_old" })
    expect(wrong).toMatchObject({ code: 6, out: "" })
    expect(wrong.err).toContain("(it has expired)")
    expect(wrong.err).not.toContain("lzs_old")
  })
})

describe("audit", () => {
  const event = (id: number, more: Partial<AuditEvent> = {}): AuditEvent => ({
    id: String(id),
    at: 1_700_000_000_000 + id * 1_000,
    event: "signed-in",
    result: "done",
    investor: "ada",
    address: "192.0.2.1",
    device: "Chrome on Windows",
    detail: null,
    ...more
  })

  it("shows what happened, the newest last, with the operator's token from the data folder", async () => {
    market.investors.audit = [
      event(2, { event: "sign-in-refused", result: "refused", investor: null, device: null }),
      event(1)
    ]
    const { code, out } = await asOperator(["audit"])
    expect(code).toBe(0)
    expect(market.investors.shown).toEqual([{ _tag: "Token", token: OPERATOR }])
    expect(out.split("\n").slice(1, 3)).toEqual([
      "2023-11-14T22:13:21.000Z  signed-in        done     ada       192.0.2.1  Chrome on Windows  -",
      "2023-11-14T22:13:22.000Z  sign-in-refused  refused  -         192.0.2.1  -                  -"
    ])
  })

  it("asks as the operator and as nobody besides: whatever LZSTOCK_TOKEN is, it is not shown", async () => {
    market.investors.audit = [event(1)]
    const { code, err } = await ask(["audit", "--data-dir", folder], { LZSTOCK_TOKEN: "lzs_bad" })
    expect({ code, err }).toEqual({ code: 0, err: "" })
    expect(market.investors.shown).toEqual([{ _tag: "Token", token: OPERATOR }])
  })

  it("pages until there are enough, of one investor alone if asked", async () => {
    market.investors.audit = Array.from({ length: 1_200 }, (_, i) =>
      event(1_200 - i, { investor: i % 100 === 0 ? "eve" : "ada" })
    )
    const lines = jsonLines((await asOperator(["audit", "--investor", "eve", "--json", "--limit", "11"])).out)
    expect(lines).toHaveLength(11)
    expect(new Set(lines.map(({ investor }) => investor))).toEqual(new Set(["eve"]))
    expect(lines.at(-1)).toMatchObject({ id: "1200" })
    expect(jsonLines((await asOperator(["audit", "--json"])).out)).toHaveLength(50)
  })

  it("says that there is nothing, and that a token is not the operator's", async () => {
    market.investors.audit = []
    expect(await asOperator(["audit"])).toMatchObject({ code: 0, out: "", err: expect.stringContaining("nothing") })
    market.investors.judge = () => new CredentialRefused({ message: "no token" })
    const refused = await asOperator(["audit"])
    expect(refused.code).toBe(6)
    expect(refused.err).toContain("not the operator's token")
  })
})

describe("investors", () => {
  it("shows an account, bans it and takes that back, gives it a password", async () => {
    const show = await asOperator(["investors", "show", "ada@example.com"])
    expect(show).toMatchObject({ code: 0, err: "" })
    expect(show.out).toContain("ada@example.com (i1)")
    expect(show.out).toMatch(/banned +no/)
    expect((await asOperator(["investors", "ban", "ada@example.com"])).out).toMatch(/banned +since 1970/)
    expect(market.investors.banned.has("ada@example.com")).toBe(true)
    expect(jsonLines((await asOperator(["investors", "unban", "ada@example.com", "--json"])).out)).toMatchObject([
      { bannedAt: null }
    ])
    const reset = await asOperator(["investors", "reset-password", "ada@example.com"])
    expect(reset).toMatchObject({ code: 0, out: "random words\n", err: expect.stringContaining("once") })
  })

  it("makes an account, whose password alone is on standard output", async () => {
    const made = await asOperator(["investors", "add", "bob@example.com"])
    expect(made).toMatchObject({ code: 0, out: "random words\n", err: expect.stringContaining("only once") })
    expect(jsonLines((await asOperator(["investors", "add", "bob@example.com", "--json"])).out)).toEqual([
      { id: "i2", email: "bob@example.com", password: "random words" }
    ])
    expect(await asOperator(["investors", "add", "ada@example.com"])).toEqual({
      code: 1,
      out: "",
      err: "lzstock: There is such an account\n"
    })
  })

  it("says that there is no such account", async () => {
    expect(await asOperator(["investors", "ban", "nobody@example.com"])).toMatchObject({
      code: 1,
      out: "",
      err: "lzstock: There is no account nobody@example.com\n"
    })
  })
})
