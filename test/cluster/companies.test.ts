/** Companies in a cluster: one worker reads a server that behaves like the SEC, and every gateway says the same. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, vi } from "vitest"
import { LZStockClient } from "../../src/rpc/client.ts"
import { cluster, eventually } from "../support/cluster.ts"
import { WHO } from "../support/openSec.ts"
import { type SecListing, secServer } from "../support/secServer.ts"

// many processes come up: seconds, more on a busy machine
vi.setConfig({ testTimeout: 120_000 })

/** The SEC's list, of more companies than the least that is believed. */
const listings = (prefix: string): ReadonlyArray<SecListing> =>
  Array.from({ length: 1_100 }, (_, i) => ({
    cik: 5_000_000 + i,
    ticker: `${prefix}${String.fromCharCode(65 + (i % 26))}${String.fromCharCode(65 + (Math.floor(i / 26) % 26))}${String.fromCharCode(65 + Math.floor(i / 676))}`,
    title: `Sync Company ${i}`,
    exchange: "NYSE"
  }))

/** Some of the particulars are stored. */
const reads = (client: LZStockClient["Service"]): Promise<boolean> =>
  Effect.runPromise(
    Effect.map(client.syncStatus, ({ done, phase, state }) => state === "running" && phase === "details" && done > 0)
  )

describe("companies in a cluster", () => {
  it.live("what a worker reads, and what is imported at one gateway, is found at both; another worker goes on", () =>
    Effect.gen(function* () {
      const sec = yield* secServer(listings("Q"))
      const { nodes, operatorToken } = yield* cluster({
        gateways: 2,
        markets: 1,
        workers: 2,
        nodeOptions: ["--symbols", "10", "--sec-url", sec.url, "--sec-user-agent", WHO, "--lock-seconds", "3"]
      })
      const clients = yield* Effect.forEach(
        nodes.filter(({ role }) => role === "gateway"),
        ({ url }) => LZStockClient.make({ url })
      )
      const [first, second] = clients
      if (first === undefined || second === undefined) return yield* Effect.die(new Error("two gateways"))
      const everywhere = (what: string, holds: (client: LZStockClient["Service"]) => Effect.Effect<boolean, unknown>) =>
        Effect.promise(() =>
          eventually(what, async () =>
            (await Effect.runPromise(Effect.forEach(clients, holds, { concurrency: "unbounded" }))).every(
              (held) => held
            )
          )
        )
      const finds = (text: string, symbol: string) => (client: LZStockClient["Service"]) =>
        Effect.map(client.search({ text, prices: false }), ({ hits }) => hits[0]?.symbol === symbol)

      yield* everywhere("the list is at both", finds("Sync Company 1099", "QHQB"))
      assert.deepInclude(
        yield* first.importCompanies(operatorToken, [
          {
            symbol: "SAP1",
            name: "SAP SE",
            legalName: null,
            exchange: "XETRA",
            sector: null,
            industry: null,
            cik: null,
            rank: null
          }
        ]),
        { added: 1 }
      )
      yield* everywhere("the imported one is at both", finds("sap1", "SAP1"))
      const refused = yield* Effect.flip(second.syncCompanies("wrong"))
      assert.strictEqual(refused._tag, "NotAllowed")

      // particulars are being read, some seven a second: whoever does that goes, and another goes on where it was
      yield* Effect.promise(() => eventually("particulars come in", () => reads(first)))
      const reading = sec.requests.length
      const workers = nodes.filter(({ role }) => role === "workers")
      const lists = sec.asked("/files/company_tickers.json")
      for (const worker of workers) {
        const before = sec.requests.length
        yield* Effect.promise(() => worker.restart())
        yield* Effect.promise(() => eventually("it is read on", () => sec.requests.length > before + 5))
      }
      assert.isAbove(sec.requests.length, reading)
      // no list again, and of the particulars only what was on its way when a worker stopped
      assert.strictEqual(sec.asked("/files/company_tickers.json"), lists)
      const served = sec.requests.filter(({ status }) => status === 200)
      const twice = served.length - new Set(served.map(({ path }) => path)).size
      assert.isAtMost(twice, 2 * 25)
      assert.deepStrictEqual(
        sec.requests.filter(({ status }) => status === 429),
        []
      )
    }).pipe(Effect.scoped)
  )
})
