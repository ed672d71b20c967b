/** OWASP, Cross-Site Request Forgery: nothing that changes an account can be asked by a page of another site, whatever it sends. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { accountPaths } from "../../src/rpc/investors.ts"
import { type RunningServer, startServer } from "../e2e/support/server.ts"
import { field, PASSWORD, Page, text } from "../support/attacker.ts"

let server: RunningServer
let page: Page
beforeAll(async () => {
  server = await startServer(["--symbols", "5", "--sign-in", "required", "--allowed-origins", "https://desk.example"])
  page = new Page(server.url)
  expect((await page.signUp("ada@example.com")).status).toBe(200)
}, 120_000)
afterAll(() => server?.stop())

const paths = Object.values(accountPaths)
const bodies = { email: "ada@example.com", password: PASSWORD, current: PASSWORD, next: "something else entirely" }
const stillSignedIn = async () =>
  text(field((await page.post(accountPaths.state, {})).body, "investor"), "email") === "ada@example.com"

describe("another site's page", () => {
  it.each(paths)("cannot ask %s, by whatever headers a browser would send for it", async (path) => {
    const kept = page.cookie
    const tries: ReadonlyArray<Readonly<Record<string, string | null>>> = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: null },
      { origin: null, referer: page.url },
      { origin: `${page.url}.evil.example` },
      { origin: page.url, "sec-fetch-site": "cross-site" },
      { origin: page.url, "sec-fetch-site": "same-site" },
      // a name of its own that was made to lead here
      { origin: `http://evil.example:${server.port}`, host: `evil.example:${server.port}` },
      // may open a socket, which carries no cookie; accounts are our own page's
      { origin: "https://desk.example", "sec-fetch-site": "cross-site" }
    ]
    for (const headers of tries) {
      const { body, status } = await page.post(path, bodies, headers)
      expect([status, text(body, "error")], JSON.stringify(headers)).toEqual([403, "NotAllowed"])
    }
    expect(page.cookie).toBe(kept)
    expect(await stillSignedIn()).toBe(true)
  })

  it.each(paths)("cannot post a form to %s: only JSON is read, which no form can send", async (path) => {
    if (path === accountPaths.state || path === accountPaths.signOut) return
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", null]) {
      const { body, status } = await page.post(path, bodies, { "content-type": type })
      expect([status, text(body, "error")], String(type)).toEqual([400, "InvalidRequest"])
    }
    expect(await stillSignedIn()).toBe(true)
  })

  it.each(paths)("cannot have %s asked by a link, an image or a preflight", async (path) => {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
      const { headers, status } = await page.send(path, { method })
      expect(status, method).toBe(405)
      expect(headers.get("allow")).toBe("POST")
      expect(headers.get("access-control-allow-origin")).toBeNull()
    }
  })

  it("is told of a path that is none that it is none, whatever is asked of it", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const { headers, status } = await page.send("/account/nope", { method })
      expect([method, status, headers.get("allow")]).toEqual([method, 404, null])
    }
  })

  it("can read no answer, frame no page, and keep none of it in a cache", async () => {
    const { headers } = await page.post(accountPaths.state, {})
    expect(headers.get("access-control-allow-origin")).toBeNull()
    expect(headers.get("cache-control")).toBe("no-store")
    expect(headers.get("x-frame-options")).toBe("DENY")
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'")
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin")
    expect(headers.get("x-content-type-options")).toBe("nosniff")
  })

  it("cannot sign somebody in as somebody else: sign-in is our own page's too", async () => {
    const victim = new Page(server.url)
    const { status } = await victim.post(
      accountPaths.signIn,
      { email: "ada@example.com", password: PASSWORD },
      { origin: "https://evil.example" }
    )
    expect(status).toBe(403)
    expect(victim.cookie).toBeUndefined()
  })
})

describe("a body", () => {
  const hopeless = [
    "",
    "{",
    "[]",
    "null",
    "7",
    '"x"',
    '{"email":7}',
    `{"email":"a@b.cd","password":${"[".repeat(3_000)}`,
    "\u0000"
  ]
  it.each(hopeless)("that is %j is refused in words, and changes nothing", async (body) => {
    for (const path of [accountPaths.signIn, accountPaths.signUp, accountPaths.changePassword, accountPaths.delete]) {
      const answered = await page.send(path, { body })
      expect([answered.status, text(answered.body, "error")]).toEqual([400, "InvalidRequest"])
      expect(JSON.stringify(answered.body)).not.toMatch(/node_modules|\.ts|SELECT|stack/i)
    }
    expect(await stillSignedIn()).toBe(true)
  })

  it("that is too long is not read, and the answer says how long it may be", async () => {
    const answered = await page.send(accountPaths.signIn, { body: `{"email":"${"a".repeat(100_000)}"}` })
    expect([answered.status, text(answered.body, "error")]).toEqual([400, "InvalidRequest"])
    expect(text(answered.body, "message")).toBe("The body is too long: 8,192 bytes at most are read")
  })
})
