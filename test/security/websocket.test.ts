/** OWASP, WebSocket Security: who may open a socket, how many, how fast, and what may be said on it. */
import { once } from "node:events"
import { connect } from "node:net"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { MAX_MESSAGE_BYTES } from "../../src/rpc/sessions.ts"
import { type RunningServer, startServer } from "../e2e/support/server.ts"
import { field, granted, leaveAll, metric, Page, Peer, refusedUpgrade, text, until } from "../support/attacker.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let server: RunningServer
let page: Page
const limits = [
  ["--max-strangers", "20"],
  ["--max-investor-sessions", "5"],
  ["--max-address-upgrades", "1000"],
  ["--max-messages", "10"],
  ["--max-message-bytes", "20000"],
  // 192.0.2.0/24: peers of a test that has many addresses
  ["--trusted-proxies", "127.0.0.1"]
].flat()
beforeAll(async () => {
  server = await startServer(["--symbols", "5", "--sign-in", "required", ...limits])
  page = new Page(server.url)
  expect((await page.signUp("ada@example.com")).status).toBe(200)
}, 120_000)
afterAll(() => server?.stop())

let hosts = 0
/** From an address of its own, as the proxy says. */
const elsewhere = (): Record<string, string> => ({ "x-forwarded-for": `192.0.2.${++hosts % 250}` })
const asBrowser = (): Record<string, string> => ({ origin: page.url, cookie: page.cookie ?? "" })
const noneOpen = () => until(async () => (await metric(server.url, "sessions_active")) === 0)

afterEach(() => {
  leaveAll()
  return noneOpen()
})

describe("an upgrade", () => {
  it("from another site is refused before anything is allocated, cookie or not", async () => {
    const before = await metric(server.url, "sessions_active")
    for (const origin of ["https://evil.example", "null", `${page.url}.evil.example`, "http://127.0.0.1:1", ""]) {
      for (const cookie of [page.cookie ?? "", undefined]) {
        const headers = { ...elsewhere(), origin, ...(cookie === undefined ? {} : { cookie }) }
        const refused = await refusedUpgrade(server.url, headers)
        expect(refused, origin).toMatchObject({ status: 403, body: { error: "origin" } })
      }
    }
    expect(await metric(server.url, "sessions_active")).toBe(before)
  })

  it("with a cookie but no origin is refused: it is no browser's", async () => {
    const refused = await refusedUpgrade(server.url, { ...elsewhere(), cookie: page.cookie ?? "" })
    expect(refused).toMatchObject({ status: 403, body: { error: "origin" } })
  })

  it("with anything in its URL is refused: a token there would stand in logs", async () => {
    for (const path of ["/rpc?token=lzs_x", "/rpc?x", "/rpc?access_token=1&x"]) {
      expect(await refusedUpgrade(server.url, elsewhere(), path)).toMatchObject({
        status: 400,
        body: { error: "query" }
      })
    }
    expect(server.output()).not.toContain("lzs_x")
  })

  it("from one address is refused beyond its rate, and told when to try again; others come in", async () => {
    const calm = await startServer([
      ...["--symbols", "5", "--sign-in", "required", "--trusted-proxies", "127.0.0.1"],
      ...["--max-address-upgrades", "1"]
    ])
    const from = elsewhere()
    const answers = await Promise.all(Array.from({ length: 30 }, () => refusedUpgrade(calm.url, from)))
    const refused = answers.flatMap((answer) => (answer === "opened" ? [] : [answer]))
    expect(refused.length).toBeGreaterThan(0)
    for (const { body, headers, status } of refused) {
      expect([status, text(body, "error")]).toEqual([429, "rate"])
      expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1)
      expect(field(body, "retryAfterMillis")).toBeGreaterThan(0)
    }
    expect(await refusedUpgrade(calm.url, elsewhere())).toBe("opened")
    await calm.stop()
  })

  it("is refused when too many have not said who they are; who has, takes none of their room", async () => {
    const known = await page.open()
    granted(await known.ask("market.Status"))
    const strangers = await Promise.all(Array.from({ length: 20 }, () => Peer.open(server.url, elsewhere())))
    const refused = await refusedUpgrade(server.url, elsewhere())
    expect(refused).toMatchObject({ status: 503, body: { error: "strangers" } })
    granted(await known.ask("market.Status"))
    // whoever says nothing makes room by themselves
    const closed = await Promise.all(strangers.map((one) => one.closed))
    expect(new Set(closed.map(({ code }) => code))).toEqual(new Set([4401]))
    expect(await metric(server.url, "strangers_active")).toBe(0)
    known.ws.terminate()
  })

  it("of one investor is closed beyond five, with when to try again; another investor's is not", async () => {
    const open = await Promise.all(Array.from({ length: 5 }, () => page.open()))
    for (const peer of open) granted(await peer.ask("investors.Me"))
    const sixth = await page.open()
    expect(await sixth.closed).toMatchObject({ code: 1013 })
    const eve = new Page(server.url)
    await eve.signUp("eve@example.com")
    const hers = await eve.open()
    granted(await hers.ask("investors.Me"))
    for (const peer of [...open, hers]) peer.ws.terminate()
  })
})

describe("an upgrade where addresses have room for six sessions, and all else for many", () => {
  let narrow: RunningServer
  beforeAll(async () => {
    narrow = await startServer([
      ...["--symbols", "5", "--sign-in", "required", "--trusted-proxies", "127.0.0.1"],
      ...["--max-address-sessions", "6"]
    ])
  }, 120_000)
  afterAll(() => narrow?.stop())

  const tokenOf = async (email: string): Promise<string> => {
    const theirs = new Page(narrow.url)
    expect((await theirs.signUp(email)).status).toBe(200)
    const peer = await theirs.open()
    const made = granted(await peer.ask("investors.CreateToken", { name: "many", access: "read", days: 1 }))
    peer.ws.terminate()
    return text(made, "secret")
  }

  it("is refused for its address beyond six open ones, whosever they are; others come in, and so does it when one has left", async () => {
    const tokens = [await tokenOf("ada@example.com"), await tokenOf("eve@example.com")]
    const from = elsewhere()
    const peers: Array<Peer> = []
    for (let i = 0; i < 6; i++) {
      const peer = await Peer.open(narrow.url, from)
      granted(await peer.showToken(tokens[i % 2] ?? ""))
      peers.push(peer)
    }
    const refused = await refusedUpgrade(narrow.url, from)
    expect(refused).toMatchObject({ status: 429, body: { error: "address" } })
    expect(await metric(narrow.url, "upgrades_refused_total", '{reason="address"}')).toBe(1)
    const neighbour = await Peer.open(narrow.url, elsewhere())
    granted(await neighbour.showToken(tokens[0] ?? ""))
    for (const peer of peers) granted(await peer.ask("market.Status"))

    peers[0]?.ws.terminate()
    await until(async () => (await metric(narrow.url, "sessions_active")) === 6)
    const back = await Peer.open(narrow.url, from)
    granted(await back.showToken(tokens[1] ?? ""))
    expect(await refusedUpgrade(narrow.url, from)).toMatchObject({ status: 429, body: { error: "address" } })
    for (const peer of [back, neighbour, ...peers]) peer.ws.terminate()
  })
})

describe("a socket that has not said who it is", () => {
  it("is closed with 4401 in time, whatever else it says", async () => {
    const silent = await Peer.open(server.url, elsewhere())
    const chatty = await Peer.open(server.url, elsewhere())
    chatty.ws.send('{"_tag":"Ping"}\n')
    const asked = await chatty.ask("market.Status")
    expect(asked).toMatchObject({ ok: false, error: "NotSignedIn" })
    expect((await silent.closed).code).toBe(4401)
    expect((await chatty.closed).code).toBe(4401)
  })

  it("is closed after three wrong tokens, and for a cookie that is none", async () => {
    const guessing = await Peer.open(server.url, elsewhere())
    for (let i = 0; i < 3; i++) {
      expect(await guessing.showToken(`lzs_${"A".repeat(20)}.${"B".repeat(43)}`)).toMatchObject({
        ok: false,
        error: "CredentialRefused"
      })
    }
    void guessing.showToken("lzs_")
    expect((await guessing.closed).reason).toContain("too many wrong tokens")
    const [name = ""] = (page.cookie ?? "").split("=")
    const planted = await Peer.open(server.url, {
      ...elsewhere(),
      origin: page.url,
      cookie: `${name}=${"x".repeat(64)}`
    })
    expect((await planted.closed).code).toBe(4401)
  })
})

describe("what is said on a socket", () => {
  it("over the size that is allowed closes it", async () => {
    const peer = await page.open()
    granted(await peer.ask("market.Status"))
    peer.ws.send("x".repeat(20_001))
    expect((await peer.closed).code).toBe(1009)
    const fragments = await page.open()
    granted(await fragments.ask("market.Status"))
    for (let i = 0; i < 9; i++) fragments.ws.send("y".repeat(4_000), { fin: i === 8 })
    expect((await fragments.closed).code).toBe(1009)
    expect(MAX_MESSAGE_BYTES).toBeGreaterThan(20_000)
  })

  it.each([
    ["no JSON", "hello\n"],
    ["JSON of no request", '{"_tag":"Request"}\n'],
    ["a server's message", '{"_tag":"Exit","requestId":"1","exit":{"_tag":"Success"}}\n'],
    [
      "JSON 20,000 levels deep",
      `${'{"_tag":"Request","id":"1","tag":"market.Status","payload":'}${"[".repeat(9_000)}\n`
    ],
    ["a number beyond all", '{"_tag":"Request","id":1e999,"tag":"market.Status","payload":{},"headers":[]}\n']
  ])("that is %s closes it with 4400", async (_, line) => {
    const peer = await page.open()
    granted(await peer.ask("market.Status"))
    peer.ws.send(line)
    expect((await peer.closed).code).toBe(4400)
  })

  it("in bytes closes it, and so does text that is no UTF-8", async () => {
    const binary = await page.open()
    binary.ws.send(Buffer.from("{}"))
    expect((await binary.closed).code).toBe(4400)
    const broken = await page.open()
    broken.ws.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false })
    expect((await broken.closed).code).toBe(1007)
  })

  it("faster than allowed closes it, and says so", async () => {
    const flood = await page.open()
    granted(await flood.ask("market.Status"))
    for (let i = 0; i < 200; i++) flood.ws.send('{"_tag":"Ping"}\n')
    const { code, reason } = await flood.closed
    expect(code).toBe(4429)
    expect(reason).toMatch(/slow down, and try again in \d s$/)
  })

  it("that does not fit its schema is refused in words, without a stack, and the socket goes on", async () => {
    const peer = await page.open()
    for (const payload of [{}, null, { symbol: 7 }, { symbol: { $ne: null } }, { symbol: "x".repeat(5_000) }, []]) {
      const refused = await peer.ask("market.Quote", payload)
      expect(refused.ok).toBe(false)
      if (!refused.ok) expect(refused.whole).not.toMatch(/node_modules|\/src\/|\bat .*:\d+:\d+|SELECT /)
    }
    expect(await peer.ask("market.Nothing")).toMatchObject({ ok: false })
    granted(await peer.ask("market.Status"))
    peer.ws.terminate()
  })

  it("unmasked, or behind a half-sent upgrade, harms nobody", async () => {
    const watching = await page.open()
    granted(await watching.ask("market.Status"))
    const tcp = connect(server.port, "127.0.0.1")
    tcp.on("error", () => {})
    tcp.write(
      `GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await once(tcp, "data")
    // a text frame without a mask
    tcp.end(Buffer.from([0x81, 0x02, 0x7b, 0x7d]))
    tcp.resume()
    await once(tcp, "close")
    granted(await watching.ask("market.Status"))
    watching.ws.terminate()
  })

  it("is never compressed: lengths of secrets beside guesses tell nothing", async () => {
    const peer = await Peer.open(server.url, { ...asBrowser(), "sec-websocket-extensions": "permessage-deflate" })
    expect(peer.ws.extensions).toBe("")
    peer.ws.terminate()
  })
})
