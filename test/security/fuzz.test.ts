/** Peers that say whatever a peer should not; the same with more time: npm run bench -- fuzz. */
import { expect, it } from "vitest"
import { fuzzServer, HEALTHY } from "../../bench/support/fuzz/fuzzServer.ts"
import { makeLeaks } from "../../bench/support/fuzz/leaks.ts"
import { messageText, tags } from "../../bench/support/fuzz/lines.ts"
import { randomOf } from "../../bench/support/topology.ts"
import { PublicRpcs } from "../../src/rpc/public.ts"

const CASES = 1_200
const PEERS = 12
const MEGABYTE = 2 ** 20

/** The same in every run of the suite; others by FUZZ_SEED, and in the benchmark. */
const seed = Number(process.env.FUZZ_SEED ?? 937_769)

it(`nothing that peers say harms the server, or those beside them (seed ${seed})`, async () => {
  const { after, before, healthy, isRunning, outcome, stillOpen, troubles, warnings } = await fuzzServer({
    seed,
    peers: PEERS,
    goesOn: (index) => index < CASES
  })
  expect(isRunning).toBe(true)
  expect({ leaks: outcome.leaks, troubles, warnings, stillOpen }).toEqual({
    leaks: [],
    troubles: [],
    warnings: [],
    stillOpen: []
  })
  expect(healthy).toMatchObject({ sessions: HEALTHY, updated: HEALTHY, gaps: 0, broken: 0 })
  // what the market itself keeps grows a little meanwhile
  expect(after.fibers).toBeLessThan(before.fibers + 60)
  expect(after.heap).toBeLessThan(1.2 * before.heap + 10 * MEGABYTE)
  expect(Object.values(outcome.cases).reduce((sum, count) => sum + count, 0)).toBe(CASES)
}, 240_000)

it("the generator asks everything there is to ask", () => {
  const random = randomOf(1)
  const known = { token: "t", operator: "o", email: "e@example.com" }
  const asked = new Set(
    Array.from({ length: 5_000 }, () => /"tag":"([\w.]+)"/.exec(messageText(random, known, true))?.[1] ?? "")
  )
  expect(Array.from(PublicRpcs.requests.keys()).filter((tag) => !asked.has(tag))).toEqual([])
  expect(tags).toHaveLength(PublicRpcs.requests.size)
})

it("what no answer may hold is found in it, and nothing in what answers say", () => {
  const leaks = makeLeaks(["/srv/lzstock"])
  for (const text of [
    "Error: x\n    at find (file:///app/src/a.ts:1:2)",
    '{"defect":{"name":"TypeError"}}',
    "SELECT id FROM sign_ins WHERE id = $1",
    "cannot open /srv/lzstock/database",
    'null value in column "id" violates not-null constraint',
    "node_modules/effect"
  ]) {
    expect([text, leaks(text)]).not.toEqual([text, undefined])
  }
  for (const text of [
    '{"_tag":"Update","s":"AAPL","w":1700000000000}',
    "Too many requests: slow down, and try again in 4 s",
    'Expected "1s" | "5s"\n  at ["interval"]',
    "No such watch is open on this connection: open it with market.Watch"
  ]) {
    expect([text, leaks(text)]).toEqual([text, undefined])
  }
})
