import { assert, describe, it } from "@effect/vitest"
import { cookieFor, originAllowed, setCookie } from "./origins.ts"

const listed = new Set(["https://stocks.example"])

describe("an origin", () => {
  it.each([
    ["http://127.0.0.1:4280", "127.0.0.1:4280"],
    ["http://localhost:4280", "localhost:4280"],
    ["http://[::1]:4280", "[::1]:4280"],
    ["https://192.0.2.7", "192.0.2.7"],
    ["https://stocks.example", "anything.at.all"],
    ["https://stocks.example", undefined]
  ])("%s may talk to %s", (origin, host) => {
    assert.isTrue(originAllowed(origin, host, listed))
  })

  it.each([
    // another site
    ["https://evil.example", "127.0.0.1:4280"],
    // a name that was made to lead here
    ["http://evil.example:4280", "evil.example:4280"],
    ["http://127.0.0.1.evil.example", "127.0.0.1.evil.example"],
    ["http://localhost.evil.example:4280", "localhost.evil.example:4280"],
    // nearly listed
    ["https://stocks.example.evil.example", "127.0.0.1"],
    ["https://stocks.example:444", "127.0.0.1"],
    ["http://stocks.example", "127.0.0.1"],
    ["https://stocks.example/", "127.0.0.1"],
    ["HTTPS://STOCKS.EXAMPLE", "127.0.0.1"],
    ["https://sub.stocks.example", "127.0.0.1"],
    // another port of this machine is another site
    ["http://127.0.0.1:8080", "127.0.0.1:4280"],
    ["null", "127.0.0.1:4280"],
    ["", "127.0.0.1:4280"],
    ["file://", "127.0.0.1:4280"],
    ["http://127.0.0.1:4280/path", "127.0.0.1:4280"],
    ["http://user@127.0.0.1:4280", "127.0.0.1:4280"],
    ["http://127.0.0.1:4280", undefined]
  ])("%s may not talk to %s", (origin, host) => {
    assert.isFalse(originAllowed(origin, host, listed))
  })
})

describe("the cookie", () => {
  it("is hidden from scripts and other sites; over TLS nobody else can have set it", () => {
    const plain = setCookie("http://127.0.0.1:4280", "id.secret", 60.9)
    assert.strictEqual(plain, "lzstock=id.secret; Path=/; HttpOnly; SameSite=Strict; Max-Age=60")
    const tls = setCookie("https://stocks.example", "id.secret", 60)
    assert.strictEqual(tls, "__Host-lzstock=id.secret; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure")
    assert.include(setCookie("https://stocks.example", null, 60), "__Host-lzstock=; Path=/;")
    assert.include(setCookie("https://stocks.example", null, 60), "Max-Age=0;")
  })

  it("is found among others, and never the one of the other kind, nor one of two", () => {
    const origin = "https://stocks.example"
    assert.strictEqual(cookieFor(origin, "a=b; __Host-lzstock=id.secret; c=d"), "id.secret")
    assert.strictEqual(cookieFor("http://127.0.0.1", "a=b; lzstock=id.secret"), "id.secret")
    // over plain HTTP anybody on the way can set cookies for the TLS site, but not of this name
    assert.isUndefined(cookieFor(origin, "lzstock=planted"))
    assert.isUndefined(cookieFor("http://127.0.0.1", "__Host-lzstock=id.secret"))
    assert.isUndefined(cookieFor("http://127.0.0.1", "lzstock=planted; lzstock=id.secret"))
    for (const none of [undefined, "", ";", "lzstock", "xlzstock=1", "lzstockx=1"]) {
      assert.isUndefined(cookieFor("http://127.0.0.1", none))
    }
  })
})
