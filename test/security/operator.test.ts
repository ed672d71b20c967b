/** A server where only operators make accounts: who gets one, and that whoever makes it stays who they are. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest"
import { accountPaths } from "../../src/rpc/investors.ts"
import { type RunningServer, startServer } from "../e2e/support/server.ts"
import { field, granted, leaveAll, PASSWORD, Page, Peer, text } from "../support/attacker.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const OPERATOR = "the operator's own token"

let server: RunningServer
beforeAll(async () => {
  process.env.LZSTOCK_OPERATOR_TOKEN = OPERATOR
  server = await startServer(["--symbols", "5", "--sign-in", "required", "--sign-up", "operator"])
  delete process.env.LZSTOCK_OPERATOR_TOKEN
}, 120_000)
afterAll(() => server?.stop())
afterEach(leaveAll)

const signUp = (page: Page, email: string, operator?: string) =>
  page.post(accountPaths.signUp, { email, password: PASSWORD, ...(operator === undefined ? {} : { operator }) })
const emailOf = (body: unknown) => field(field(body, "investor"), "email")

it("a sign-up without the operator's token, or with a wrong one, makes nothing", async () => {
  const page = new Page(server.url)
  for (const operator of [undefined, "", `${OPERATOR} `]) {
    const { body, headers, status } = await signUp(page, "eve@example.com", operator)
    expect([status, text(body, "error"), headers.getSetCookie()]).toEqual([403, "NotAllowed", []])
  }
  expect((await page.signIn("eve@example.com")).status).toBe(401)
})

it("one with it makes the account for somebody else: the operator's browser is signed in as nobody, or as who it was", async () => {
  const page = new Page(server.url)
  const made = await signUp(page, "ada@example.com", OPERATOR)
  expect([made.status, made.headers.getSetCookie(), field(made.body, "investor")]).toEqual([200, [], null])
  expect((await page.signIn("ada@example.com")).status).toBe(200)
  const { cookie } = page
  const another = await signUp(page, "bob@example.com", OPERATOR)
  expect([another.status, another.headers.getSetCookie()]).toEqual([200, []])
  expect([emailOf(another.body), page.cookie]).toEqual(["ada@example.com", cookie])
  const again = await signUp(page, "bob@example.com", OPERATOR)
  expect([again.status, text(again.body, "error")]).toEqual([409, "EmailTaken"])
  expect((await new Page(server.url).signIn("bob@example.com")).status).toBe(200)
})

it("an operator's program makes one with a password that is told once, and its owner sees who made it, but not where", async () => {
  const peer = await Peer.open(server.url)
  granted(await peer.showToken(OPERATOR))
  const add = (email: string) => peer.ask("investors.Add", { operator: OPERATOR, email })
  const made = granted(await add(" Carol@Example.com"))
  const password = text(made, "password")
  expect(text(made, "email")).toBe("carol@example.com")
  expect(password.length).toBeGreaterThanOrEqual(20)
  expect(await add("carol@example.com")).toMatchObject({ ok: false, error: "EmailTaken" })
  expect(await add("carol")).toMatchObject({ ok: false, error: "InvalidRequest" })
  const page = new Page(server.url)
  expect((await page.signIn("carol@example.com", password)).status).toBe(200)
  expect(server.output()).not.toContain(password)
  const activity = granted(await (await page.open()).ask("investors.Activity", {}))
  const events: ReadonlyArray<unknown> = [field(activity, "events")].flat()
  expect(events.map((event) => text(event, "event"))).toEqual(["signed-in", "account-added"])
  expect(events.at(-1)).toMatchObject({ result: "done", address: null, detail: "by an operator" })
  // a name that says so hides nobody
  const here = await page.open()
  granted(await here.ask("investors.CreateToken", { name: "by an operator", access: "read", days: 1 }))
  const later: ReadonlyArray<unknown> = [field(granted(await here.ask("investors.Activity", {})), "events")].flat()
  expect(later[0]).toMatchObject({ event: "token-created", detail: "by an operator", address: "127.0.0.1" })
})
