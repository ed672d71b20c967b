/**
 * Every RPC there is, as a stranger, with a token of each kind, and with another investor's ids. The list comes from the contract: an
 * RPC that is added and not told here fails.
 */
import { Context } from "effect"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { Needs } from "../../src/rpc/access.ts"
import { accountPaths } from "../../src/rpc/investors.ts"
import { PublicRpcs } from "../../src/rpc/public.ts"
import { type RunningServer, startServer } from "../e2e/support/server.ts"
import { field, granted, Page, Peer, text } from "../support/attacker.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const OPERATOR = "the operator's own token"

/** A request of each that is in order; `another` stands for the id of what is another investor's. */
const requests = (another: string): Readonly<Record<string, unknown>> => ({
  "market.Watch": { watchId: "w", symbols: ["AAPL"], conflation: 100 },
  "market.SetWatched": { watchId: "w", symbols: [] },
  "market.Quote": { symbol: "AAPL" },
  "market.Bars": { symbol: "AAPL", interval: "1m" },
  "market.WatchBars": { symbol: "AAPL", interval: "1m" },
  "market.Listings": {},
  "market.Status": null,
  "companies.Search": { text: "a" },
  "companies.Company": { symbol: "AAPL" },
  "companies.Facets": {},
  "companies.Browse": {},
  "companies.SyncStatus": null,
  "companies.Sync": { operator: "not the operator" },
  "companies.Import": { operator: "not the operator", listings: [] },
  "investors.Authenticate": { credential: { _tag: "Token", token: "lzs_" } },
  "investors.Me": null,
  "investors.Ticket": null,
  "investors.SignIns": null,
  "investors.EndSignIn": { id: another },
  "investors.SignOutEverywhere": { tokens: true },
  "investors.Tokens": null,
  "investors.CreateToken": { name: "x", access: "write", days: 1 },
  "investors.RevokeToken": { id: another },
  "investors.Activity": {},
  "investors.Audit": { operator: "not the operator" },
  "investors.Find": { operator: "not the operator", email: "ada@example.com" },
  "investors.SetBan": { operator: "not the operator", email: "ada@example.com", banned: true },
  "investors.Add": { operator: "not the operator", email: "ada@example.com" },
  "investors.ResetPassword": { operator: "not the operator", email: "ada@example.com" },
  "investors.Export": null
})
/** Open for as long as they are watched. */
const streams = new Set(["market.Watch", "market.WatchBars"])
const all = Array.from(PublicRpcs.requests.keys())
const needsOf = (tag: string) => {
  const rpc = Array.from(PublicRpcs.requests).find(([name]) => name === tag)?.[1]
  if (rpc === undefined) throw new Error(tag)
  return Context.get(rpc.annotations, Needs)
}

let server: RunningServer
let ada: Page
let eve: Page
beforeAll(async () => {
  process.env.LZSTOCK_OPERATOR_TOKEN = OPERATOR
  server = await startServer(["--symbols", "5", "--sign-in", "required", "--max-address-upgrades", "1000"])
  delete process.env.LZSTOCK_OPERATOR_TOKEN
  ada = new Page(server.url)
  eve = new Page(server.url)
  await ada.signUp("ada@example.com")
  await eve.signUp("eve@example.com")
}, 120_000)
afterAll(() => server?.stop())

/** Everything of an investor's that has an id. */
const belongings = async (page: Page) => {
  const peer = await page.open()
  const made = granted(await peer.ask("investors.CreateToken", { name: "mine", access: "write", days: 1 }))
  const [signIn]: ReadonlyArray<unknown> = [granted(await peer.ask("investors.SignIns"))].flat()
  const [event] = [field(granted(await peer.ask("investors.Activity", {})), "events")].flat()
  const investor = text(field(granted(await peer.ask("investors.Me")), "investor"), "id")
  return {
    peer,
    secret: text(made, "secret"),
    token: text(field(made, "token"), "id"),
    signIn: text(signIn, "id"),
    event: text(event, "id"),
    investor
  }
}

it("every RPC is told here, and every request is one", () => {
  expect(Object.keys(requests("x")).toSorted()).toEqual(all.toSorted())
})

describe("a stranger", () => {
  it.each(all)("is refused %s", async (tag) => {
    const peer = await Peer.open(server.url)
    const outcome = await peer.ask(tag, requests("x")[tag])
    expect(outcome).toMatchObject({
      ok: false,
      error: tag === "investors.Authenticate" ? "CredentialRefused" : "NotSignedIn"
    })
    peer.ws.terminate()
  })
})

describe.each(["read", "write"] as const)("a token that may %s", (access) => {
  it.each(all)("is let through or refused %s, as that needs", async (tag) => {
    const page = await ada.open()
    const made = granted(await page.ask("investors.CreateToken", { name: access, access, days: 1 }))
    const peer = await Peer.open(server.url)
    granted(await peer.showToken(text(made, "secret")))
    const mayNot = needsOf(tag) === "account" && tag !== "investors.Authenticate"
    if (streams.has(tag) && !mayNot) {
      const first = new Promise((resolve) => peer.ws.once("message", (data) => resolve(String(data))))
      void peer.ask(tag, requests("x")[tag])
      expect(await first).toContain('"_tag":"Chunk"')
    } else {
      const outcome = await peer.ask(tag, requests("x")[tag])
      if (mayNot) expect(outcome).toMatchObject({ ok: false, error: "Forbidden" })
      else expect(outcome.ok ? "ok" : outcome.error).not.toMatch(/Forbidden|NotSignedIn/)
    }
    granted(await page.ask("investors.RevokeToken", { id: text(field(made, "token"), "id") }))
    for (const one of [peer, page]) one.ws.terminate()
  })
})

describe("an operator's RPC", () => {
  it.each(["companies.Sync", "companies.Import", "investors.Audit"])(
    "%s takes the operator's token, whoever asks",
    async (tag) => {
      const peer = await ada.open()
      const request = { ...(tag === "companies.Import" ? { listings: [] } : {}) }
      for (const operator of ["", `${OPERATOR} `]) {
        const outcome = await peer.ask(tag, { ...request, operator })
        expect(outcome.ok ? "ok" : outcome.error).toMatch(/NotAllowed|Die/)
      }
      granted(await peer.ask(tag, { ...request, operator: OPERATOR }))
      peer.ws.terminate()
    }
  )

  it("and its token opens a connection that may read, and has no account", async () => {
    const peer = await Peer.open(server.url)
    expect(granted(await peer.showToken(OPERATOR))).toMatchObject({ investor: "operator", access: "read" })
    granted(await peer.ask("market.Status"))
    for (const tag of all.filter((name) => needsOf(name) === "account" && name !== "investors.Authenticate")) {
      expect(await peer.ask(tag, requests("x")[tag])).toMatchObject({ ok: false, error: "Forbidden" })
    }
    peer.ws.terminate()
  })
})

describe("another investor's", () => {
  it("things are as good as not there: nothing is told, changed or ended by their ids", async () => {
    const hers = await belongings(ada)
    const { peer } = await belongings(eve)
    const ids = [hers.token, hers.signIn, hers.investor, hers.event]
    for (const id of ids) {
      for (const tag of ["investors.EndSignIn", "investors.RevokeToken"]) {
        expect(await peer.ask(tag, { id })).toMatchObject({ ok: false, error: "NotFound" })
      }
      const page = await peer.ask("investors.Activity", { before: id })
      if (page.ok)
        for (const secret of [hers.investor, hers.token, hers.signIn])
          expect(JSON.stringify(page)).not.toContain(secret)
    }
    const asked = all.filter(
      (name) => name.startsWith("investors.") && !/SignOutEverywhere|Authenticate|Export/.test(name)
    )
    for (const tag of asked) {
      for (const id of ids) {
        const said = JSON.stringify(await peer.ask(tag, requests(id)[tag]))
        for (const secret of [hers.investor, hers.secret, "ada@example.com"]) expect(said, tag).not.toContain(secret)
      }
    }
    // costs as much as forty others
    const exported = JSON.stringify(granted(await peer.ask("investors.Export")))
    for (const secret of [hers.investor, hers.secret, "ada@example.com"]) expect(exported).not.toContain(secret)
    granted(await peer.ask("investors.SignOutEverywhere", { tokens: true }))
    await peer.closed
    // all of hers is as it was
    granted(await hers.peer.ask("investors.Me"))
    const program = await Peer.open(server.url)
    granted(await program.showToken(hers.secret))
    expect(field((await ada.post(accountPaths.state, {})).body, "investor")).not.toBeNull()
    for (const one of [program, hers.peer]) one.ws.terminate()
  })

  it("sockets are not theirs either: a principal is taken from the credential, never from what is said", async () => {
    const hers = await belongings(ada)
    await eve.signIn("eve@example.com")
    const peer = await eve.open()
    const me = granted(await peer.ask("investors.Me", null))
    expect(text(field(me, "investor"), "email")).toBe("eve@example.com")
    // headers and extra members of a request say nothing
    const id = "forged"
    const answered = new Promise<string>((resolve) => {
      peer.ws.on("message", (data) => {
        if (String(data).includes(id)) resolve(String(data))
      })
    })
    const headers = [
      ["investor", hers.investor],
      ["authorization", `Bearer ${hers.secret}`],
      ["cookie", ada.cookie ?? ""]
    ]
    peer.ws.send(
      `${JSON.stringify({ _tag: "Request", id, tag: "investors.Me", payload: null, headers, investor: hers.investor, clientId: 1 })}\n`
    )
    expect(await answered).toContain("eve@example.com")
    for (const one of [peer, hers.peer]) one.ws.terminate()
  })
})
