/** OWASP, Session Management: cookies, tokens and tickets; when they end, what stood on them ends. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { accountPaths } from "../../src/rpc/investors.ts"
import { type RunningServer, startServer } from "../e2e/support/server.ts"
import { field, granted, leaveAll, metric, PASSWORD, Page, Peer, text, until } from "../support/attacker.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const OPERATOR = "the operator's own token"

let server: RunningServer
beforeAll(async () => {
  process.env.LZSTOCK_OPERATOR_TOKEN = OPERATOR
  server = await startServer([
    ...["--symbols", "5", "--sign-in", "required", "--max-address-upgrades", "1000", "--sign-in-attempts", "1000"],
    ...["--allowed-origins", "https://desk.example"]
  ])
  delete process.env.LZSTOCK_OPERATOR_TOKEN
}, 120_000)
afterAll(() => server?.stop())
// whatever a test left open
afterEach(() => {
  leaveAll()
  return until(async () => (await metric(server.url, "sessions_active")) === 0)
})

let people = 0
const somebody = async () => {
  const email = `user${++people}@example.com`
  const page = new Page(server.url)
  const { body } = await page.signUp(email)
  return { email, id: text(field(body, "investor"), "id"), page }
}
const signedIn = async (page: Page) => field((await page.post(accountPaths.state, {})).body, "investor") !== null
const readToken = async (peer: Peer, access = "read") =>
  granted(await peer.ask("investors.CreateToken", { name: "test", access, days: 1 }))
const isRefused = { ok: false, error: "CredentialRefused" }

describe("the cookie", () => {
  it("is hidden from scripts and other sites, random, and says nothing of its owner", async () => {
    const { email, id, page } = await somebody()
    const again = new Page(server.url)
    const { headers } = await again.signIn(email)
    const [set = "", ...more] = headers.getSetCookie()
    expect(more).toEqual([])
    const [pair = "", ...attributes] = set.split("; ")
    expect(attributes).toEqual(expect.arrayContaining(["Path=/", "HttpOnly", "SameSite=Strict"]))
    expect(attributes.some((one) => one.startsWith("Domain"))).toBe(false)
    expect(pair).toMatch(/^lzstock=[\w-]{20}\.[\w-]{43}$/)
    expect(pair).not.toContain(id)
    expect(again.cookie).not.toBe(page.cookie)
  })

  it("over TLS is bound to this very host", async () => {
    const { email } = await somebody()
    const page = new Page(server.url)
    const headers = { origin: "https://desk.example", "sec-fetch-site": "same-origin" }
    const answered = await page.post(accountPaths.signIn, { email, password: PASSWORD }, headers)
    expect(answered.headers.getSetCookie()[0]).toMatch(
      /^__Host-lzstock=.+; Path=\/; HttpOnly; SameSite=Strict; .*Secure$/
    )
  })

  it("that was there before a sign-in is never taken over: fixation", async () => {
    const eve = await somebody()
    const planted = eve.page.cookie
    const victim = new Page(server.url, planted)
    const { email } = await somebody()
    await victim.signIn(email)
    expect(victim.cookie).not.toBe(planted)
    // nor does it let its planter in beside the victim, or anybody
    expect(await signedIn(new Page(server.url, planted))).toBe(false)
    const made = new Page(server.url, `lzstock=${"A".repeat(20)}.${"B".repeat(43)}`)
    await made.signIn(email)
    expect(made.cookie).not.toContain("AAAA")
  })

  it("is worth nothing after sign-out, wherever it was copied to, and its sockets are closed", async () => {
    const { page } = await somebody()
    const copied = page.cookie ?? ""
    const tabs = [await page.open(), await page.open()]
    for (const tab of tabs) granted(await tab.ask("market.Status"))
    await page.post(accountPaths.signOut, {})
    expect(page.cookie).toBeUndefined()
    for (const tab of tabs) expect((await tab.closed).code).toBe(4401)
    expect(await signedIn(new Page(server.url, copied))).toBe(false)
    const peer = await new Page(server.url, copied).open()
    expect((await peer.closed).code).toBe(4401)
  })

  it("of a browser ends alone, from another one, with the sockets that stand on it", async () => {
    const { email, page } = await somebody()
    const phone = new Page(server.url)
    await phone.signIn(email)
    const [here, there] = [await page.open(), await phone.open()]
    granted(await there.ask("market.Status"))
    const listed: ReadonlyArray<unknown> = [granted(await here.ask("investors.SignIns"))].flat()
    expect(listed).toHaveLength(2)
    const other = listed.find((one) => field(one, "current") === false)
    granted(await here.ask("investors.EndSignIn", { id: text(other, "id") }))
    expect((await there.closed).code).toBe(4401)
    granted(await here.ask("market.Status"))
    expect([await signedIn(page), await signedIn(phone)]).toEqual([true, false])
    here.ws.terminate()
  })

  it("of every browser ends with sign-out everywhere; tokens only when asked for", async () => {
    const { email, page } = await somebody()
    const phone = new Page(server.url)
    await phone.signIn(email)
    const [here, there] = [await page.open(), await phone.open()]
    const token = text(await readToken(here), "secret")
    const program = await Peer.open(server.url)
    granted(await program.showToken(token))
    granted(await there.ask("market.Status"))
    expect(granted(await here.ask("investors.SignOutEverywhere", { tokens: false }))).toEqual({ ended: 2 })
    for (const peer of [here, there]) expect((await peer.closed).code).toBe(4401)
    granted(await program.ask("market.Status"))
    await page.signIn(email)
    const back = await page.open()
    granted(await back.ask("investors.SignOutEverywhere", { tokens: true }))
    expect((await program.closed).code).toBe(4401)
    expect(await (await Peer.open(server.url)).showToken(token)).toMatchObject(isRefused)
  })

  it("of every other browser ends when the password changes; this one gets another", async () => {
    const { email, page } = await somebody()
    const phone = new Page(server.url)
    await phone.signIn(email)
    const there = await phone.open()
    granted(await there.ask("market.Status"))
    const before = page.cookie
    const next = "something else entirely"
    expect((await page.post(accountPaths.changePassword, { current: PASSWORD, next })).status).toBe(200)
    expect((await there.closed).code).toBe(4401)
    expect(page.cookie).not.toBe(before)
    expect([await signedIn(page), await signedIn(phone), await signedIn(new Page(server.url, before))]).toEqual([
      true,
      false,
      false
    ])
  })

  it("of a deleted account, and its tokens, open nothing more", async () => {
    const { page } = await somebody()
    const here = await page.open()
    const token = text(await readToken(here), "secret")
    const program = await Peer.open(server.url)
    granted(await program.showToken(token))
    const copied = page.cookie
    expect((await page.post(accountPaths.delete, { password: "wrong wrong wrong" })).status).toBe(401)
    expect((await page.post(accountPaths.delete, { password: PASSWORD })).status).toBe(200)
    for (const peer of [here, program]) expect((await peer.closed).code).toBe(4401)
    expect(await signedIn(new Page(server.url, copied))).toBe(false)
    expect(await (await Peer.open(server.url)).showToken(token)).toMatchObject(isRefused)
  })
})

describe("an account that an operator", () => {
  const asOperator = async (tag: string, payload: Readonly<Record<string, unknown>>) => {
    const peer = await Peer.open(server.url)
    granted(await peer.showToken(OPERATOR))
    const outcome = await peer.ask(tag, { operator: OPERATOR, ...payload })
    peer.ws.terminate()
    return granted(outcome)
  }

  it("bans is out everywhere, at once, and stays so until that is taken back", async () => {
    const { email, page } = await somebody()
    const bystander = await (await somebody()).page.open()
    const here = await page.open()
    const token = text(await readToken(here), "secret")
    const program = await Peer.open(server.url)
    granted(await program.showToken(token))
    expect(await asOperator("investors.SetBan", { email: ` ${email.toUpperCase()}`, banned: true })).toMatchObject({
      email,
      browsers: 0,
      tokens: 0
    })
    for (const peer of [here, program]) expect((await peer.closed).code).toBe(4401)
    const again = await page.signIn(email)
    expect([again.status, text(again.body, "error")]).toEqual([401, "SignInRefused"])
    expect(text(again.body, "message")).toContain("suspended")
    // whoever does not know the password learns nothing of that
    expect(text((await page.signIn(email, "wrong wrong wrong")).body, "message")).toBe(
      "E-mail address or password is wrong"
    )
    expect(await (await Peer.open(server.url)).showToken(token)).toMatchObject(isRefused)
    granted(await bystander.ask("investors.Me"))
    await asOperator("investors.SetBan", { email, banned: false })
    expect((await page.signIn(email)).status).toBe(200)
    bystander.ws.terminate()
  })

  it("gives a new password is signed out of its browsers, and signed in to with that alone", async () => {
    const { email, page } = await somebody()
    const here = await page.open()
    granted(await here.ask("investors.Me"))
    const password = text(await asOperator("investors.ResetPassword", { email }), "password")
    expect((await here.closed).code).toBe(4401)
    expect((await page.signIn(email)).status).toBe(401)
    expect((await page.signIn(email, password)).status).toBe(200)
    expect(server.output()).not.toContain(password)
    const back = await page.open()
    const activity = granted(await back.ask("investors.Activity", {}))
    expect(JSON.stringify(activity)).toContain("password-reset")
    back.ws.terminate()
  })
})

describe("a token", () => {
  it("that is revoked closes its sockets, and opens no more", async () => {
    const { page } = await somebody()
    const here = await page.open()
    const made = await readToken(here)
    const programs = [await Peer.open(server.url), await Peer.open(server.url)]
    for (const program of programs) granted(await program.showToken(text(made, "secret")))
    granted(await here.ask("investors.RevokeToken", { id: text(field(made, "token"), "id") }))
    for (const program of programs) expect((await program.closed).code).toBe(4401)
    expect(await (await Peer.open(server.url)).showToken(text(made, "secret"))).toMatchObject(isRefused)
    here.ws.terminate()
  })

  it("is shown once, and never again: not in lists, exports, activity or logs", async () => {
    const { page } = await somebody()
    const here = await page.open()
    const made = await readToken(here)
    const secret = text(made, "secret")
    const said = JSON.stringify([
      granted(await here.ask("investors.Tokens")),
      granted(await here.ask("investors.Export")),
      granted(await here.ask("investors.Activity", {})),
      server.output()
    ])
    expect(said).toContain("test")
    const [, half = ""] = secret.split(".")
    expect(said).not.toContain(half)
    for (const hidden of [PASSWORD, "argon2id", (page.cookie ?? "").split(".")[1] ?? "?"])
      expect(said).not.toContain(hidden)
    here.ws.terminate()
  })
})

describe("a ticket", () => {
  const ticketOf = async (peer: Peer) => text(granted(await peer.ask("investors.Ticket")), "ticket")
  /** A program of somebody's, and what made it. */
  const connected = async () => {
    const { page } = await somebody()
    const here = await page.open()
    const made = await readToken(here)
    const program = await Peer.open(server.url)
    granted(await program.showToken(text(made, "secret")))
    return { page, here, program, id: text(field(made, "token"), "id") }
  }

  it("is for programs alone: a browser's would be where scripts can read it", async () => {
    const { page } = await somebody()
    const here = await page.open()
    expect(await here.ask("investors.Ticket")).toMatchObject({ ok: false, error: "Unavailable" })
    here.ws.terminate()
  })

  it("that was stolen and used is refused to its owner, and the other way round; both have their credential", async () => {
    const { page } = await somebody()
    const here = await page.open()
    const token = text(await readToken(here), "secret")
    const program = await Peer.open(server.url)
    granted(await program.showToken(token))
    const ticket = await ticketOf(program)
    program.ws.terminate()
    const thief = await Peer.open(server.url)
    granted(await thief.showTicket(ticket))
    const back = await Peer.open(server.url)
    expect(await back.showTicket(ticket)).toMatchObject(isRefused)
    granted(await back.showToken(token))
    // and it is told: somebody had it
    await until(async () => {
      const activity = granted(await here.ask("investors.Activity", {}))
      return JSON.stringify(activity).includes('"ticket-refused"')
    })
    for (const peer of [here, thief, back]) peer.ws.terminate()
  })

  it("shown by many at once is taken once", async () => {
    const { here, program } = await connected()
    const ticket = await ticketOf(program)
    const peers = await Promise.all(Array.from({ length: 20 }, () => Peer.open(server.url)))
    const outcomes = await Promise.all(peers.map((peer) => peer.showTicket(ticket)))
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
    for (const peer of [here, program, ...peers]) peer.ws.terminate()
  })

  it("of a token that was revoked is refused", async () => {
    const { here, id, program } = await connected()
    const ticket = await ticketOf(program)
    granted(await here.ask("investors.RevokeToken", { id }))
    await program.closed
    const back = await Peer.open(server.url)
    expect(await back.showTicket(ticket)).toMatchObject(isRefused)
    for (const peer of [here, back]) peer.ws.terminate()
  })

  it("that another made, or that was changed, is refused", async () => {
    const { here, program } = await connected()
    const [body = "", mac = ""] = (await ticketOf(program)).split(".")
    const opened = Buffer.from(body, "base64url").toString()
    const more = Buffer.from(opened.replace('"read"', '"account"').replace(/"t":\d+/, '"t":99999999999999')).toString(
      "base64url"
    )
    expect(more).not.toBe(body)
    for (const ticket of [
      `${more}.${mac}`,
      `${body}.${"A".repeat(mac.length)}`,
      `${body}.`,
      `.${mac}`,
      body,
      "",
      "."
    ]) {
      const peer = await Peer.open(server.url)
      expect(await peer.showTicket(ticket)).toMatchObject(isRefused)
      peer.ws.terminate()
    }
    for (const peer of [here, program]) peer.ws.terminate()
  })
})
