import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { jsonLines, runCaptured } from "../../../test/support/commandLine.ts"
import { alias, company, instrument } from "../../../test/support/companies.ts"
import { ScriptedMarket } from "../../../test/support/ScriptedMarket.ts"
import { idle, OPERATOR } from "../../../test/support/scriptedCompanies.ts"

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
  market.companies.statuses = [idle]
  market.companies.imported.length = 0
})

const ask = (args: ReadonlyArray<string>) => runCaptured([...args, "--url", market.url])
const asOperator = (args: ReadonlyArray<string>) => ask([...args, "--data-dir", folder])
const file = async (name: string, content: string | Uint8Array) => {
  const written = path.join(folder, name)
  await writeFile(written, content)
  return written
}

describe("company", () => {
  const meta = company("META", "Meta Platforms", {
    id: "cik:1326801",
    cik: 1326801,
    legalName: "Meta Platforms, Inc.",
    sector: "Communication Services",
    sic: 7370,
    industry: "Services-Computer Programming",
    fiscalYearEnd: "12-31",
    formerNames: [{ name: "Facebook Inc", from: "2005-01-01", until: "2021-10-28" }],
    instruments: [
      instrument("META", {
        exchange: "NASDAQ",
        aliases: [
          alias("META", { exchange: "NASDAQ", from: "2022-06-09" }),
          alias("FB", { exchange: "NASDAQ", until: "2022-06-08", fate: "renamed" })
        ]
      }),
      instrument("META.WT", { id: 2, exchange: null, shareClass: "Warrant", listed: false })
    ]
  })
  beforeAll(() => {
    market.companies.all = [meta, company("BRK.B", "Berkshire Hathaway")]
    market.companies.prices.set("META", {
      last: 660.81,
      previousClose: 663.48,
      exchangeTime: 1_700_000_000_000,
      label: "SIMULATED"
    })
  })

  it("says who it is, what it costs, what else is listed, and what it was called", async () => {
    expect((await ask(["company", "meta"])).out).toBe(
      `META  Meta Platforms
price        660.81  ▼ -2.67 (-0.40%)  SIMULATED
exchange     NASDAQ
legal name   Meta Platforms, Inc.
sector       Communication Services
industry     Services-Computer Programming (SIC 7370)
fiscal year  ends 12-31
CIK          1326801
also         META.WT, Warrant, traded no more
symbol       META (NASDAQ) since 2022-06-09
symbol       FB (NASDAQ) until 2022-06-08: renamed
once         Facebook Inc 2005-01-01 to 2021-10-28
`
    )
  })

  it("says what became of a symbol, and takes every way of writing a class", async () => {
    expect((await ask(["company", "fb"])).out).toMatch(
      /^FB {2}Meta Platforms\n +until 2022-06-08: renamed; it is META today\n/
    )
    for (const text of ["brk.b", "BRK-B", "brk/b"]) {
      expect((await ask(["company", text])).out).toMatch(/^BRK\.B {2}Berkshire Hathaway\n/)
    }
    expect(jsonLines((await ask(["company", "fb", "--json"])).out)).toMatchObject([
      { company: { cik: 1326801 }, instrument: { symbol: "META" }, fate: "until 2022-06-08: renamed" }
    ])
  })

  it("is asked by quote why the feed does not tell a symbol", async () => {
    expect(await ask(["quote", "fb"])).toMatchObject({
      code: 4,
      err: "lzstock: FB is META today (until 2022-06-08: renamed)\n"
    })
    expect((await ask(["quote", "brk-b"])).err).toBe(
      "lzstock: BRK.B (Berkshire Hathaway) is not in this server's feed (see lzstock listings)\n"
    )
    expect((await ask(["quote", "NOPE"])).err).toBe("lzstock: NOPE is not listed here (see lzstock listings)\n")
  })

  it("says what may have been meant by one that is unknown", async () => {
    expect(await ask(["company", "BERKSHIRE"])).toMatchObject({
      code: 4,
      out: "",
      err: "lzstock: No company is known by the symbol BERKSHIRE; did you mean BRK.B (Berkshire Hathaway)?\n"
    })
    expect(await ask(["company", "x".repeat(33)])).toMatchObject({ code: 2 })
  })
})

describe("companies sync", () => {
  const running = { ...idle, state: "running" as const, phase: "details" as const, done: 25, total: 100, startedAt: 5 }

  it("follows the sync until it is through", async () => {
    const before = market.companies.syncs
    market.companies.statuses = [
      { ...idle, state: "waiting" },
      { ...running, phase: "list", done: 0, total: 0 },
      running,
      { ...idle, finishedAt: 9, done: 100, total: 100, companies: 7_919, instruments: 9_610 }
    ]
    expect(await asOperator(["companies", "sync"])).toEqual({
      code: 0,
      out: "7,919 companies with 9,610 listed symbols; particulars of 100 read\n",
      err: "waiting for a worker\nreading the SEC's list\nreading particulars\n"
    })
    expect(market.companies.syncs).toBe(before + 1)
    market.companies.statuses = [running, { ...idle, finishedAt: 10 }]
    expect(jsonLines((await asOperator(["companies", "sync", "--json"])).out)).toMatchObject([{ finishedAt: 10 }])
  })

  it("says why it stopped, and when it goes on", async () => {
    market.companies.statuses = [
      running,
      { ...running, state: "waiting", error: "The SEC asks for a pause", nextAt: 1_700_000_000_000 }
    ]
    expect(await asOperator(["companies", "sync"])).toMatchObject({
      code: 5,
      err: "reading particulars\nlzstock: The SEC asks for a pause; it goes on by itself at 2023-11-14T22:13:20.000Z\n"
    })
  })

  it("says what it takes: a worker that may ask, and the operator's token", async () => {
    market.companies.statuses = [{ ...idle, state: "off" }]
    expect(await asOperator(["companies", "sync"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("LZSTOCK_SEC_USER_AGENT")
    })
    expect(await ask(["companies", "sync", "--data-dir", path.join(folder, "none")])).toMatchObject({
      code: 2,
      err: expect.stringContaining("LZSTOCK_OPERATOR_TOKEN")
    })
    const other = await mkdtemp(path.join(folder, "other-"))
    await writeFile(path.join(other, "operator-token"), "wrong")
    expect(await ask(["companies", "sync", "--data-dir", other])).toMatchObject({
      code: 1,
      err: "lzstock: not the operator's token\n"
    })
  })

  it("status reads, and is JSON on demand", async () => {
    market.companies.statuses = [{ ...running, companies: 10, instruments: 12 }]
    const { out } = await ask(["companies", "status"])
    expect(out).toMatch(
      /^companies 10, with 12 listed symbols\nsync {6}reading particulars, 25 of 100\nfinished {2}never\n/
    )
    expect(jsonLines((await ask(["companies", "status", "--json"])).out)).toMatchObject([{ done: 25 }])
  })
})

describe("companies import", () => {
  it("takes CSV with any of the columns, in any order, and the SEC's lists, gzipped or not", async () => {
    const csv = await file("eu.csv", '\uFEFFCIK,Symbol,Name\n,SAP,"SAP, SE"\n320193,aapl,\n')
    expect((await asOperator(["companies", "import", csv])).out).toBe("2 added, 0 changed, 0 as they were\n")
    expect(market.companies.imported).toEqual([
      {
        symbol: "SAP",
        name: "SAP, SE",
        legalName: null,
        exchange: null,
        sector: null,
        industry: null,
        cik: null,
        rank: null
      },
      {
        symbol: "aapl",
        name: null,
        legalName: null,
        exchange: null,
        sector: null,
        industry: null,
        cik: 320193,
        rank: null
      }
    ])
    market.companies.imported.length = 0
    const tickers = { "0": { cik_str: 1067983, ticker: "BRK-B", title: "BERKSHIRE HATHAWAY INC" } }
    const gz = await file("company_tickers.json.gz", gzipSync(JSON.stringify(tickers)))
    const exchange = { fields: ["cik", "name", "ticker", "exchange"], data: [[1, "One", "ONE", "Nasdaq"]] }
    const json = await file("company_tickers_exchange.json", JSON.stringify(exchange))
    for (const each of [gz, json]) expect((await asOperator(["companies", "import", each, "--json"])).code).toBe(0)
    expect(market.companies.imported).toMatchObject([
      { symbol: "BRK.B", name: null, legalName: "BERKSHIRE HATHAWAY INC", cik: 1067983, rank: 1 },
      { symbol: "ONE", exchange: "NASDAQ", rank: null }
    ])
  })

  it("goes in parts that a server takes, and sums them up", async () => {
    const rows = Array.from({ length: 450 }, (_, i) => `S${i},Name ${i}`)
    const csv = await file("many.csv", `symbol,name\n${rows.join("\n")}\n`)
    expect(jsonLines((await asOperator(["companies", "import", csv, "--json"])).out)).toEqual([
      { added: 450, changed: 0, unchanged: 0 }
    ])
    expect(market.companies.imported).toHaveLength(450)
  })

  it.each([
    ["no-symbol.csv", "name\nApple\n", "symbol among them"],
    ["column.csv", "symbol,colour\nA,red\n", '"colour" is no column of ours'],
    ["empty.csv", "symbol\n", "there is no company in it"],
    ["cik.csv", "symbol,cik\n\nA,12x\n", "line 3:"],
    ["control.csv", 'symbol,name\nA,"a\u0000b"\n', "line 2:"],
    ["ragged.csv", "symbol,name\nA\n", "line 2"],
    ["half.json", '{"0": {"cik_str": 1', "a part of it"],
    ["other.json", '["AAPL"]', "neither company_tickers.json nor"],
    ["odd.json", '{"0": {"cik_str": "x", "ticker": "A", "title": "A"}}', "1 of 1 entries cannot be used"]
  ])("does not begin %s", async (name, content, reason) => {
    const written = await file(name, content)
    const { code, err } = await asOperator(["companies", "import", written])
    expect(code).toBe(2)
    expect(err).toContain(`${written}: `)
    expect(err).toContain(reason)
    expect(err.trim().split("\n")).toHaveLength(1)
    expect(market.companies.imported).toEqual([])
  })

  it("says so of a file that is not there", async () => {
    expect(await asOperator(["companies", "import", path.join(folder, "nowhere.csv")])).toMatchObject({ code: 2 })
  })
})
