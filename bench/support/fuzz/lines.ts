/** What is said to the RPC endpoint: every request there is, with something wrong about it; and lines that are none. */
import { PublicRpcs } from "../../../src/rpc/public.ts"
import { below, chance, type Json, jsonText, mutated, nasty, oneOf, type Random, varied } from "./values.ts"

/** Whom a peer's secrets are of; what it may show that is true. */
export interface Known {
  readonly token: string
  readonly operator: string
  readonly email: string
}

const intervals = ["1s", "5s", "1m", "1h", "1d", "1w", "1mo"]
const DAY = 86_400_000
const NOW = Date.UTC(2026, 2, 6, 15)

/** A payload that its request takes. What is not here is asked with an empty one. */
const samples: Readonly<Record<string, (random: Random, known: Known) => Json>> = {
  "market.Watch": (random) => ({
    watchId: `w${below(3, random)}`,
    symbols: ["AAPL", "MSFT", "BRK.B"].slice(below(3, random)),
    conflation: oneOf([0, 100, 250, 1000], random),
    ...(chance(0.5, random) ? { positions: [{ symbol: "AAPL", epoch: NOW, seq: below(100, random) }] } : {})
  }),
  "market.SetWatched": (random) => ({ watchId: `w${below(3, random)}`, symbols: ["IBM", "AAPL"], conflation: 100 }),
  "market.Quote": () => ({ symbol: "AAPL" }),
  "market.Bars": (random) => ({
    symbol: "AAPL",
    interval: oneOf(intervals, random),
    from: NOW - below(30, random) * DAY,
    to: NOW,
    before: NOW,
    limit: 1 + below(50, random)
  }),
  "market.WatchBars": (random) => ({ symbol: "AAPL", interval: oneOf(intervals, random) }),
  "market.Listings": () => ({ after: "AAPL", limit: 10 }),
  "companies.Search": (random) => ({
    text: oneOf(["app", "berk", "a", "international business machines", "appel"], random),
    limit: 5,
    after: below(20, random),
    prices: chance(0.5, random)
  }),
  "companies.Company": () => ({ symbol: "AAPL", prices: false }),
  "companies.Facets": () => ({ exchange: "NYSE", sector: null, industry: "Software" }),
  "companies.Browse": (random) => ({
    exchange: "NYSE",
    sector: null,
    order: oneOf(["size", "symbol", "name"], random),
    limit: 10,
    after: oneOf(["", "x", "e30", "WzEsMl0", '["a"]', "-1"], random),
    prices: false
  }),
  "companies.Sync": (_, { operator }) => ({ operator }),
  "companies.Import": (random, { operator }) => ({
    operator,
    listings: [
      {
        symbol: `FZ${below(20, random)}`,
        name: "Fuzz Works",
        legalName: null,
        exchange: "NYSE",
        sector: null,
        industry: "Software",
        cik: 1 + below(1_000, random),
        rank: null
      }
    ]
  }),
  "investors.Authenticate": (random, { token }) => ({
    credential: chance(0.5, random) ? { _tag: "Token", token } : { _tag: "Ticket", ticket: "e30.AAAA" }
  }),
  "investors.EndSignIn": () => ({ id: "A".repeat(20) }),
  "investors.SignOutEverywhere": (random) => ({ tokens: chance(0.5, random) }),
  "investors.CreateToken": () => ({ name: "fuzz", access: "read", days: 1 }),
  "investors.RevokeToken": () => ({ id: "B".repeat(20) }),
  "investors.Activity": (random) => ({ before: String(below(1e6, random)) }),
  "investors.Audit": (random, { operator }) => ({ operator, before: String(below(1e6, random)), limit: 5 }),
  "investors.Find": (_, { email, operator }) => ({ operator, email }),
  "investors.SetBan": (random, { email, operator }) => ({ operator, email, banned: chance(0.1, random) }),
  "investors.ResetPassword": (_, { email, operator }) => ({ operator, email })
}

export const tags: ReadonlyArray<string> = Array.from(PublicRpcs.requests.keys())

const withoutPayload = new Set([
  "market.Status",
  "companies.SyncStatus",
  "investors.Me",
  "investors.Ticket",
  "investors.SignIns",
  "investors.Tokens",
  "investors.Export"
])

/** Of payloads that have to be null little is to be learnt. */
const changed = (payload: Json, random: Random): Json => {
  if (chance(payload === null ? 0.9 : 0.25, random)) return payload
  return chance(0.6, random) ? varied(payload, random) : mutated(payload, random)
}

const payloadOf = (tag: string, random: Random, known: Known): Json =>
  withoutPayload.has(tag) ? null : (samples[tag]?.(random, known) ?? {})

const ids: ReadonlyArray<Json> = [
  "1",
  "1",
  "2",
  1,
  2,
  0,
  -1,
  1.5,
  "",
  "x".repeat(64),
  "x".repeat(65),
  null,
  2 ** 60,
  "__proto__",
  "authenticate"
]

/** After these an account is worth little: seldom. */
const final = new Set(["investors.SignOutEverywhere", "investors.SetBan", "investors.ResetPassword"])
const someTag = (random: Random): string => {
  const tag = oneOf(tags, random)
  return final.has(tag) && chance(0.8, random) ? someTag(random) : tag
}

/** A request that is one, with a payload that mostly is not as it should be. */
const requestText = (random: Random, known: Known): string => {
  const tag = someTag(random)
  const payload = payloadOf(tag, random, known)
  const request = {
    _tag: "Request",
    id: String(100 + below(1e6, random)),
    tag,
    payload: changed(payload, random),
    headers: []
  }
  return jsonText(request, random, 30_000)
}

/** … with something wrong around it. */
const oddRequestText = (random: Random, known: Known): string => {
  const tag = someTag(random)
  const request: Json = {
    _tag: "Request",
    id: oneOf(ids, random),
    tag,
    payload: payloadOf(tag, random, known),
    headers: oneOf(
      [
        [],
        [
          ["a", "b"],
          ["__proto__", "c"]
        ],
        [["a"]],
        "x"
      ],
      random
    ),
    ...(chance(0.5, random)
      ? { traceId: "x".repeat(below(40, random)), spanId: oneOf(["", "0", "zzz"], random), sampled: true }
      : {})
  }
  return jsonText(chance(0.3, random) ? mutated(request, random) : request, random, 30_000)
}

const others: ReadonlyArray<(random: Random) => string> = [
  (random) => jsonText({ _tag: "Interrupt", requestId: oneOf(ids, random) }, random),
  (random) => jsonText({ _tag: "Interrupt", requestId: nasty(random), interruptors: [nasty(random)] }, random),
  () => '{"_tag":"Ping"}',
  () => '{"_tag":"Eof"}',
  (random) => jsonText({ _tag: "Ack", requestId: oneOf(ids, random) }, random),
  () => '{"_tag":"Ack"',
  (random) => jsonText({ _tag: nasty(random) }, random),
  (random) => jsonText({ _tag: "Request", id: "1", tag: nasty(random), payload: null, headers: [] }, random),
  (random) =>
    jsonText(
      { _tag: "Request", id: nasty(random), tag: "market.Status", payload: null, headers: nasty(random) },
      random
    ),
  (random) => jsonText(nasty(random), random),
  (random) => `${"[".repeat(below(50_000, random))}`,
  () => "",
  () => "\ufeff{}",
  () => "undefined",
  () => "{'_tag':'Ping'}",
  () => '{"_tag":"Ping"}{"_tag":"Ping"}',
  () => '{"_tag":"Request","_tag":"Ping"}',
  (random) => "\n".repeat(below(2_000, random)),
  (random) => '{"_tag":"Ping"}\n'.repeat(below(400, random)),
  (random) => "x".repeat(below(70_000, random))
]

/** One message. `tame`: a whole line that is a request. */
export const messageText = (random: Random, known: Known, tame: boolean): string => {
  if (tame) return `${requestText(random, known)}\n`
  const line = chance(0.6, random) ? oddRequestText(random, known) : oneOf(others, random)(random)
  const end = chance(0.9, random) ? "\n" : oneOf(["", "\r\n", "\n\n", " ", "\u2028"], random)
  const cut = chance(0.1, random) ? line.slice(0, below(line.length, random)) : line
  return `${cut}${end}`
}
