import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonLines, runCaptured } from "../../../test/support/commandLine.ts"
import { alias, company, instrument } from "../../../test/support/companies.ts"
import { bar, ScriptedMarket, snapshot } from "../../../test/support/ScriptedMarket.ts"
import { dayOfDate } from "../../actors/market/calendar.ts"
import { version } from "../version.ts"

const market = new ScriptedMarket()
const midnight = dayOfDate("2013-10-07")?.midnight ?? Number.NaN
const minute = (n: number) => midnight + n * 60_000
beforeAll(() => market.start())
afterAll(() => market.stop())

/** With the scripted server's address. */
const ask = (args: ReadonlyArray<string>) => runCaptured([...args, "--url", market.url])

describe("a wrong command line is one line on stderr and nothing on stdout", () => {
  it.each([
    ["an unknown command", ["wacth", "AAPL"], /unknown command "wacth"; did you mean watch\? \(see lzstock --help\)/],
    ["an unknown option", ["quote", "AAPL", "--jsn"], /unknown option --jsn; did you mean --json\?/],
    ["a missing symbol", ["watch"], /SYMBOL is missing \(see lzstock watch --help\)/],
    ["a bad symbol", ["quote", "A B"], /"A B" is not a symbol/],
    ["a bad choice", ["watch", "AAPL", "--conflation", "5"], /--conflation: "5" is not right/],
    ["a bad count", ["watch", "AAPL", "--count", "0"], /--count: "0" is not right \(expected 1 or more\)/],
    ["a bad date", ["bars", "SPY", "--date", "2013-13-07"], /--date: "2013-13-07" is not a date \(YYYY-MM-DD\)/],
    [
      "a range upside down",
      ["bars", "SPY", "-d", "2013-10-07", "--from", "16:00", "--to", "09:30"],
      /--to must be later/
    ],
    ["an argument too many", ["bars", "SPY", "IBM"], /"IBM": one argument too many/],
    ["a bad URL", ["status", "--url", "nowhere"], /--url: not a URL: nowhere/],
    ["a replay of nothing", ["replay", "--date", "2013-10-07"], /--data is missing \(see lzstock replay --help\)/]
  ])("%s", async (_, args, line) => {
    const { code, err, out } = await runCaptured(args)
    expect(out).toBe("")
    expect(err).toMatch(new RegExp(`^lzstock: [^\\n]*${line.source}[^\\n]*\\n$`))
    expect(code).toBe(2)
  })
})

describe("help, version, completion", () => {
  it.each([[[]], [["watch"]], [["quote"]], [["bars"]], [["listings"]], [["status"]], [["replay"]]])(
    "help of %j has usage and examples, without colours in a pipe",
    async (command) => {
      const { code, err, out } = await runCaptured([...command, "--help"])
      expect({ code, err }).toEqual({ code: 0, err: "" })
      expect(out).toContain("USAGE")
      expect(out).toContain("EXAMPLES")
      expect(out).not.toContain("\u001b")
    }
  )

  it("the version is the package's", async () => {
    expect(await runCaptured(["--version"])).toEqual({ code: 0, out: `lzstock ${version}\n`, err: "" })
  })
})

describe("quote", () => {
  it("a table for people", async () => {
    const { code, out } = await ask(["quote", "aapl", "MSFT,AAPL"])
    const [head = "", ...rows] = out.trimEnd().split("\n")
    expect(head).toMatch(/^SYMBOL +LAST +CHANGE/)
    expect(rows.map((row) => row.split(/ +/).slice(0, 2))).toEqual([
      ["AAPL", "100.07"],
      ["MSFT", "100.07"]
    ])
    expect(code).toBe(0)
  })

  it("JSON for programs: the whole snapshot", async () => {
    const { out } = await ask(["quote", "AAPL", "--json"])
    expect(jsonLines(out)).toEqual([snapshot("AAPL", 1, 7)])
  })

  it("an unknown symbol among known ones", async () => {
    const { code, err, out } = await ask(["quote", "AAPL", "NOPE", "--json"])
    expect(jsonLines(out)).toHaveLength(1)
    expect(err).toBe("lzstock: NOPE is not listed here (see lzstock listings)\n")
    expect(code).toBe(4)
  })

  it("no server: one line, exit code 3", async () => {
    const { code, err, out } = await runCaptured(["quote", "AAPL", "--url", "http://127.0.0.1:1"])
    expect(out).toBe("")
    expect(err).toMatch(/^lzstock: cannot connect to http:\/\/127\.0\.0\.1:1.*\(is the server running\? npm start\)\n$/)
    expect(code).toBe(3)
  })

  it("a server that does not answer: exit code 5", async () => {
    market.mute = true
    try {
      const { code, err } = await ask(["quote", "AAPL", "--timeout", "2"])
      expect(err).toMatch(/^lzstock: .*no answer in 2000 ms\n$/)
      expect(code).toBe(5)
    } finally {
      market.mute = false
    }
  })
})

describe("bars", () => {
  it("CSV without a header, oldest first, over all pages; forming bars left out", async () => {
    market.pages = [
      [bar(minute(3)), { ...bar(minute(4)), final: false }],
      [bar(minute(1)), bar(minute(2))]
    ]
    const day = ["bars", "AAPL", "--date", "2013-10-07"]
    const { code, err, out } = await ask(day)
    expect(err).toBe("lzstock: these prices are SIMULATED\n")
    expect(out).toBe("60000,10,11,9,10.5,100\n120000,10,11,9,10.5,100\n180000,10,11,9,10.5,100\n")
    expect(code).toBe(0)
    expect((await ask([...day, "--limit", "2"])).out).toBe("120000,10,11,9,10.5,100\n180000,10,11,9,10.5,100\n")
    const forming = await ask([...day, "--forming", "--header", "-n", "1", "--time", "iso"])
    expect(forming.out).toBe("time,open,high,low,close,volume\n2013-10-07 00:04:00,10,11,9,10.5,100\n")
  })

  it("JSON, a bar a line, each with where it comes from", async () => {
    market.pages = [[bar(minute(3))]]
    const { err, out } = await ask(["bars", "AAPL", "--json", "-i", "5m"])
    expect(err).toBe("")
    expect(jsonLines(out)).toEqual([{ symbol: "AAPL", interval: "5m", ...bar(minute(3)), label: "SIMULATED" }])
  })

  it("none there: said on stderr, exit code 0", async () => {
    market.pages = [[]]
    const { code, err, out } = await ask(["bars", "AAPL", "--date", "2013-10-07"])
    expect({ code, out }).toEqual({ code: 0, out: "" })
    expect(err).toBe("lzstock: no finished 1m bars of AAPL there\n")
  })
})

describe("status and listings", () => {
  it("status reads, and is JSON on demand", async () => {
    expect((await ask(["status"])).out).toMatch(/feed +SIMULATED live, scripted/)
    expect(jsonLines((await ask(["status", "--json"])).out)[0]).toMatchObject({ feed: { adapter: "scripted" } })
  })

  it("listings, all pages, filtered by text", async () => {
    expect(jsonLines((await ask(["listings", "--json"])).out).map(({ symbol }) => symbol)).toEqual(market.listed)
    expect((await ask(["listings", "msft"])).out).toMatch(/^SYMBOL.*\nMSFT +MSFT Inc\. +NYSE +Test\n$/)
    expect((await ask(["listings", "zzz"])).err).toBe("lzstock: none of 3 listings matches\n")
  })
})

describe("search", () => {
  it("a table of hits, with what became of them; JSON lines for scripts", async () => {
    market.companies.all = [
      company("AAPL", "Apple", { sector: "Technology", instruments: [instrument("AAPL", { exchange: "NASDAQ" })] }),
      company("OLD", "Apple Books", {
        sector: null,
        instruments: [
          instrument("OLD", {
            exchange: null,
            listed: false,
            aliases: [alias("OLD", { until: "2020-01-01", fate: "closed" })]
          })
        ]
      })
    ]
    const { code, out } = await ask(["search", "apple"])
    expect(code).toBe(0)
    expect(out).toBe(
      "SYMBOL  NAME         EXCHANGE  SECTOR\n" +
        "AAPL    Apple        NASDAQ    Technology\n" +
        "OLD     Apple Books  –         –           until 2020-01-01: closed\n"
    )
    expect(jsonLines((await ask(["search", "apple", "-n", "1", "--json"])).out)).toMatchObject([
      { symbol: "AAPL", tier: "name-prefix" }
    ])
  })
  it("says that there is nothing like it, and does not repeat a novel", async () => {
    const { code, err, out } = await ask(["search", "z".repeat(500)])
    expect([code, out]).toEqual([0, ""])
    expect(err).toBe(`lzstock: nothing like "${"z".repeat(60)}…" among 2 companies\n`)
  })
  it.each([["0"], ["101"], ["x"]])("refuses --limit %s", async (limit) => {
    expect(await ask(["search", "a", "--limit", limit])).toMatchObject({ code: 2, out: "" })
  })
})
