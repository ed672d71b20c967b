import type { NetworkInterfaceInfo } from "node:os"
import { describe, expect, it } from "vitest"
import { banner, urlsOf } from "./banner.ts"

const v4 = (address: string, internal = false): NetworkInterfaceInfo => ({
  address,
  internal,
  family: "IPv4",
  netmask: "255.255.255.0",
  mac: "00:00:00:00:00:00",
  cidr: null
})
const v6 = (address: string): NetworkInterfaceInfo => ({
  address,
  internal: address === "::1",
  family: "IPv6",
  netmask: "ffff:ffff:ffff:ffff::",
  mac: "00:00:00:00:00:00",
  cidr: null,
  scopeid: 0
})
const interfaces = {
  lo: [v4("127.0.0.1", true), v6("::1")],
  eth0: [v4("192.0.2.7"), v6("2001:db8::7"), v6("fe80::7")],
  docker0: [v4("172.17.0.1")]
}

describe("where a server is reached", () => {
  it("on every network: localhost, and each address that others have for it", () => {
    expect(urlsOf("0.0.0.0", 4280, interfaces)).toEqual([
      "http://localhost:4280",
      "http://192.0.2.7:4280",
      "http://172.17.0.1:4280"
    ])
    expect(urlsOf("::", 80, interfaces)).toContain("http://[2001:db8::7]:80")
    expect(urlsOf("::", 80, interfaces).join()).not.toContain("fe80")
  })

  it("on one address: that alone", () => {
    expect(urlsOf("127.0.0.1", 4280, interfaces)).toEqual(["http://127.0.0.1:4280"])
    expect(urlsOf("::1", 4280, interfaces)).toEqual(["http://[::1]:4280"])
  })

  it("stands in the banner, an address a line, the first beside its name", () => {
    const facts = { version: "1", role: "all-in-one", host: "0.0.0.0", port: 4280, dataDir: ".", interfaces }
    expect(banner(facts, false)).toContain(
      "  Dashboard  http://localhost:4280\n             http://192.0.2.7:4280\n             http://172.17.0.1:4280\n"
    )
    expect(banner({ ...facts, role: "market" }, false)).toContain("  Address    http://localhost:4280\n")
  })
})
