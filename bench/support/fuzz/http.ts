/** Requests over HTTP, to the account's routes above all, with something wrong about their method, path, headers or body. */
import { accountPaths } from "../../../src/rpc/investors.ts"
import { originOf, PASSWORD } from "../accounts.ts"
import { below, chance, type Json, jsonText, mutated, nasty, oneOf, type Random, randomBytes } from "./values.ts"

const paths = Object.values(accountPaths)

const emails = [
  "fuzz@example.com",
  "a\u0000b@example.com",
  "\ud800@example.com",
  "ＡＤＡ@example.com",
  "ﷺ@example.com",
  `${"a".repeat(64)}@${"b".repeat(185)}.com`,
  "a@b",
  "a@@b.c",
  "a b@c.de",
  "'; --@example.com",
  "\u202ea@example.com",
  `${"ﷺ".repeat(60)}@a.bc`,
  "x@\u0000.com",
  "a@b\u0007.com"
]
const passwords = [
  PASSWORD,
  "",
  "short",
  "a\u0000".repeat(10),
  "\ud800".repeat(20),
  "ﷺ".repeat(256),
  "🦀".repeat(128),
  "p".repeat(257),
  " ".repeat(30)
]

/** What each route takes. */
const bodyOf = (path: string, email: string, random: Random): Json => {
  switch (path) {
    case accountPaths.signUp:
      return {
        email: chance(0.7, random) ? oneOf(emails, random) : `fuzz-${below(1e9, random)}@example.com`,
        password: oneOf(passwords, random)
      }
    case accountPaths.signIn:
      return { email: chance(0.3, random) ? email : oneOf(emails, random), password: oneOf(passwords, random) }
    case accountPaths.changePassword:
      return { current: oneOf(passwords, random), next: oneOf(passwords, random) }
    case accountPaths.delete:
      return { password: chance(0.1, random) ? PASSWORD : "not this one, surely" }
    default:
      return {}
  }
}

const otherPaths = [
  "/",
  "*",
  "//",
  "/account",
  "/account/",
  "/account/%2e%2e/",
  "/account/sign-in%00",
  "/account/state/..%2f",
  "/%",
  "/%ff%fe",
  "/assets/../../package.json",
  "/..%5c..%5cpackage.json",
  "/metrics?x=%",
  "/readyz",
  "/healthz",
  "/.well-known/change-password",
  "http://127.0.0.1/account/state",
  "/account/state#x",
  "/account/state;a=b",
  `/${"a/".repeat(4_000)}`,
  "/s/AAPL",
  "/index.html",
  "/\u00e9"
]
const methods = ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "POST", "post", "FOO"]
const oddHeaders = [
  "Origin: null",
  "Origin: http://evil.example",
  "Sec-Fetch-Site: cross-site",
  "Sec-Fetch-Site: \u00ff",
  "Content-Type: text/plain",
  "Content-Type: application/json; charset=utf-16",
  "Content-Type: application/json;;;",
  "Content-Encoding: gzip",
  "Cookie: lzstock=",
  "Cookie: lzstock=a.b; lzstock=c.d",
  `Cookie: ${"a=b; ".repeat(2_000)}`,
  "Cookie: =;=;;,",
  "X-Forwarded-For: 127.0.0.1",
  "X-Forwarded-For: ::1, 10.0.0.1, unknown",
  "Forwarded: for=127.0.0.1",
  "Expect: 100-continue",
  "Expect: nothing",
  "Range: bytes=0-0,5-1,-9999999999",
  "If-None-Match: ***",
  `If-None-Match: ${'"a",'.repeat(2_000)}`,
  "Accept-Encoding: gzip;q=2, br;q=x, *",
  "Accept: text/html;q=\u00ff",
  `User-Agent: ${"\u00ff".repeat(4_000)}`,
  "User-Agent:",
  "Upgrade: h2c",
  "Connection: close, upgrade, x",
  "__proto__: x",
  "Transfer-Encoding: gzip, chunked",
  "Max-Forwards: -1"
]

export interface HttpCase {
  readonly bytes: Buffer
  /** Path of a route, for the count; or "other". */
  readonly about: string
}

/** One request, on a connection of its own. */
export const httpRequest = (port: number, cookie: string, email: string, random: Random): HttpCase => {
  const isRoute = chance(0.8, random)
  const path = isRoute ? oneOf(paths, random) : oneOf(otherPaths, random)
  const method = isRoute && chance(0.85, random) ? "POST" : oneOf(methods, random)
  const value = bodyOf(path, email, random)
  const text = chance(0.6, random)
    ? jsonText(chance(0.5, random) ? mutated(value, random) : value, random, 7_000)
    : jsonText(nasty(random), random, 20_000)
  const body = chance(0.1, random) ? randomBytes(below(9_000, random), random) : Buffer.from(text, "utf8")
  const claimed = chance(0.9, random) ? body.length : oneOf([0, 1, body.length + 10, -1, 1e15], random)
  const isChunked = chance(0.1, random)
  const headers = [
    `Host: 127.0.0.1:${port}`,
    ...(chance(0.92, random) ? [`Origin: ${originOf(port)}`, "Content-Type: application/json"] : []),
    ...(chance(0.5, random) ? [`Cookie: ${cookie}`] : []),
    ...(chance(0.3, random) ? [oneOf(oddHeaders, random)] : []),
    isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${claimed}`,
    "Connection: close"
  ]
  const chunked = Buffer.concat([
    Buffer.from(`${(chance(0.8, random) ? body.length : 5).toString(16)}\r\n`),
    body,
    Buffer.from("\r\n0\r\n\r\n")
  ])
  return {
    bytes: Buffer.concat([
      Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`, "latin1"),
      isChunked ? chunked : body
    ]),
    about: isRoute ? path : "other"
  }
}
