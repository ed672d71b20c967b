/** OWASP, Authentication: passwords are kept from guessers, and nobody learns who has an account here by asking to sign in. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { accountPaths } from "../../src/rpc/investors.ts"
import { type RunningServer, startServer } from "../e2e/support/server.ts"
import { field, metric, PASSWORD, Page, text } from "../support/attacker.ts"

vi.setConfig({ testTimeout: 120_000 })

let server: RunningServer
beforeAll(async () => {
  server = await startServer([
    ...["--symbols", "5", "--sign-in", "required", "--sign-in-attempts", "30", "--trusted-proxies", "127.0.0.1"],
    ...["--passwords-at-once", "1"]
  ])
  expect((await new Page(server.url).signUp("ada@example.com")).status).toBe(200)
}, 120_000)
afterAll(() => server?.stop())

let hosts = 0
const from = (): Record<string, string> => ({ "x-forwarded-for": `198.51.100.${++hosts % 250}` })
const attempt = (email: string, password: string, headers = from()) =>
  new Page(server.url).post(accountPaths.signIn, { email, password }, headers)
const shape = ({ body, headers, status }: Awaited<ReturnType<typeof attempt>>) => ({
  status,
  body,
  cookies: headers.getSetCookie(),
  names: Array.from(headers.keys()).toSorted()
})
const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

describe("a sign-in", () => {
  it("with a wrong password and one of nobody get the same answer, byte for byte", async () => {
    const wrong = shape(await attempt("ada@example.com", "wrong wrong wrong"))
    expect(wrong.status).toBe(401)
    expect(wrong.cookies).toEqual([])
    for (const email of ["nobody@example.com", "ADA@example.com", "ada@example.org"]) {
      expect(shape(await attempt(email, "wrong wrong wrong"))).toEqual(wrong)
    }
  })

  it("of nobody takes as long as one with a wrong password", async () => {
    const time = async (email: string) => {
      const started = performance.now()
      await attempt(email, "wrong wrong wrong")
      return performance.now() - started
    }
    const known: Array<number> = []
    const unknown: Array<number> = []
    const hashes = await metric(server.url, "password_hashes_total")
    // in turn, so that what else the machine does is the same for both
    for (let i = 0; i < 25; i++) {
      const one = async () => known.push(await time("ada@example.com"))
      const other = async () => unknown.push(await time(`nobody${i}@example.com`))
      for (const ask of i % 2 === 0 ? [one, other] : [other, one]) await ask()
    }
    expect((await metric(server.url, "password_hashes_total")) - hashes).toBe(50)
    const ratio = median(unknown) / median(known)
    console.log(
      `median sign-in: wrong password ${median(known).toFixed(1)} ms, nobody ${median(unknown).toFixed(1)} ms`
    )
    // without a hash for nobody it would be about a tenth
    expect(ratio).toBeGreaterThan(0.5)
    expect(ratio).toBeLessThan(2)
  })

  it("tried too often for one account from one address is refused with when to try again, and costs no hash", async () => {
    const address = from()
    const answers: Array<string> = []
    for (let i = 0; i < 31; i++)
      answers.push(text((await attempt("eve@example.com", "wrong wrong wrong", address)).body, "error"))
    expect(new Set(answers.slice(0, 30))).toEqual(new Set(["SignInRefused"]))
    const hashes = await metric(server.url, "password_hashes_total")
    const refused = await attempt("eve@example.com", "wrong wrong wrong", address)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0)
    expect(field(refused.body, "retryAfterMillis")).toBeGreaterThan(0)
    expect(await metric(server.url, "password_hashes_total")).toBe(hashes)
  })

  it("in a flood fills a bounded queue: the rest is told to try again, and the server answers others meanwhile", async () => {
    const flood = Promise.all(
      Array.from({ length: 80 }, (_, i) => attempt(`flood${i}@example.com`, "wrong wrong wrong"))
    )
    const state = await new Page(server.url).post(accountPaths.state, {})
    expect(state.status).toBe(200)
    const statuses = (await flood).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([401, 503]))
    expect(await metric(server.url, "password_hashes_active")).toBe(0)
    expect(await metric(server.url, "password_hashes_refused_total")).toBe(statuses.filter((one) => one === 503).length)
  })
})

describe("a password", () => {
  it("that is short, common or the e-mail address is refused in words; any character may be in it, pasted or typed", async () => {
    for (const password of ["short", "passwordpassword", "aaaaaaaaaaaaaaa", "carol@example.com"]) {
      const { body, status } = await new Page(server.url).signUp("carol@example.com", password)
      expect([status, text(body, "error")]).toEqual([400, "WeakPassword"])
      expect(text(body, "message").length).toBeGreaterThan(20)
    }
    const odd = "  Пароль 🐎 \u0007 <b>&'\"; DROP TABLE investors; --  "
    expect((await new Page(server.url).signUp("carol@example.com", odd)).status).toBe(200)
    expect((await attempt("carol@example.com", odd)).status).toBe(200)
    // not a character is cut off
    expect((await attempt("carol@example.com", odd.trim())).status).toBe(401)
  })

  it("is asked for again where it matters, and never told", async () => {
    const page = new Page(server.url)
    await page.signIn("ada@example.com")
    for (const [path, body] of [
      [accountPaths.changePassword, { current: "wrong wrong wrong", next: "something else entirely" }],
      [accountPaths.delete, { password: "wrong wrong wrong" }]
    ] as const) {
      expect([text((await page.post(path, body)).body, "error")]).toEqual(["SignInRefused"])
    }
    expect(server.output()).not.toContain(PASSWORD)
    expect(server.output()).not.toContain("wrong wrong wrong")
  })
})

describe("asking who is signed in", () => {
  it("with one made-up cookie after the other is slowed down before a store is asked; others are not", async () => {
    const guesser = { "x-forwarded-for": "203.0.113.7" }
    const reads = () => metric(server.url, "credential_store_reads_total")
    const before = await reads()
    const guess = (n: number) =>
      new Page(server.url, `lzstock=${String(n).padStart(20, "A")}.${"B".repeat(43)}`).post(
        accountPaths.state,
        {},
        guesser
      )
    const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => guess(n)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.body).toMatchObject({ error: "LimitExceeded", retryAfterMillis: expect.any(Number) })
    expect(refused[0]?.headers.get("retry-after")).toMatch(/^[1-9]/)
    const grown = (await reads()) - before
    expect(grown).toBeGreaterThan(0)
    expect(grown).toBeLessThanOrEqual(400 - refused.length)
    expect((await new Page(server.url).post(accountPaths.state, {}, from())).status).toBe(200)
  })
})
