import { BlockList } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { clientAddress, isLoopback, parseProxies, peerAddress } from "./address.ts"

const none = new BlockList()
const proxies = parseProxies(["10.0.0.0/8", "192.0.2.1", "fd00::/8"]) ?? assert.fail("they can be parsed")

describe("where a request comes from", () => {
  it.each([
    ["who connects", "198.51.100.7", undefined, "198.51.100.7"],
    ["who connects, whatever they say", "198.51.100.7", "203.0.113.1", "198.51.100.7"],
    ["whom a proxy names", "10.1.2.3", "203.0.113.1", "203.0.113.1"],
    ["the last one before our proxies", "10.1.2.3", "1.1.1.1, 203.0.113.1, 10.9.9.9", "203.0.113.1"],
    ["what was forged stands before it", "192.0.2.1", "127.0.0.1, 203.0.113.1", "203.0.113.1"],
    ["a proxy that names nobody", "10.1.2.3", undefined, "10.1.2.3"],
    ["a proxy that names nonsense", "10.1.2.3", "unknown", "10.1.2.3"],
    ["IPv4 in IPv6's clothes", "::ffff:198.51.100.7", undefined, "198.51.100.7"],
    ["IPv4 in IPv6's clothes, a proxy", "::ffff:10.0.0.1", "::ffff:203.0.113.1", "203.0.113.1"],
    ["a network of IPv6", "2001:db8:1:2:3:4:5:6", undefined, "2001:db8:1:2::/64"],
    ["a network of IPv6, short", "2001:db8::1", undefined, "2001:db8:0:0::/64"],
    ["an IPv6 proxy", "fd00::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"],
    ["this machine", "::1", undefined, "::1"],
    ["nobody", undefined, undefined, ""]
  ])("is %s", (_, peer, forwarded, address) => {
    assert.strictEqual(clientAddress(peer, forwarded, proxies), address)
  })

  it("is never what a header says where no proxy is trusted", () => {
    assert.strictEqual(clientAddress("127.0.0.1", "203.0.113.1", none), "127.0.0.1")
  })
})

describe("what a connection is counted as", () => {
  it.each([
    ["who connects", "198.51.100.7", "198.51.100.7"],
    ["a network of IPv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["nothing: a proxy speaks for many", "10.1.2.3", undefined],
    ["nothing: an IPv6 proxy", "fd00::1", undefined],
    ["this machine", "::ffff:127.0.0.1", "127.0.0.1"]
  ])("is %s", (_, peer, address) => {
    assert.strictEqual(peerAddress(peer, proxies), address)
  })
})

describe("this machine", () => {
  it.each(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])("is %s", (address) => {
    assert.isTrue(isLoopback(address))
  })
  it.each(["", "localhost", "128.0.0.1", "::2", "0.0.0.0", "::ffff:128.0.0.1", "2001:db8:0:0::/64"])(
    "is not %s",
    (address) => {
      assert.isFalse(isLoopback(address))
    }
  )
})

describe("trusted proxies", () => {
  it.each([
    ["10.0.0.0/33"],
    ["10.0.0.0/"],
    ["10.0.0/8"],
    ["example.com"],
    ["10.0.0.0/8/8"],
    ["::1/129"],
    ["/8"],
    ["1.1.1.1/-1"]
  ])("are not %s", (entry) => {
    assert.isUndefined(parseProxies([entry]))
  })
  it("may be none, all, or one", () => {
    for (const entries of [[], ["0.0.0.0/0"], ["::/0"], ["::1"]]) assert.isDefined(parseProxies(entries))
  })
})
