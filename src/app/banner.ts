/** What a person sees when the server is up. */
import { networkInterfaces } from "node:os"
import path from "node:path"
import type { FeedLabel } from "../rpc/market.ts"

export interface BannerFacts {
  readonly version: string
  readonly host: string
  readonly port: number
  readonly role: string
  /** Of the feed, where the role knows it. */
  readonly label?: FeedLabel
  readonly symbols?: number
  readonly dataDir: string
  /** How people are told apart, where the role serves any. */
  readonly signIn?: "local" | "accounts"
  /** Default: this machine's. */
  readonly interfaces?: Interfaces
}

/** More networks than anybody has, but containers' bridges are many. */
const MOST_ADDRESSES = 8

/** The addresses that others reach this machine by; of a link alone, which no browser can open, none. */
const addressesOf = (family: "IPv4" | "IPv6", interfaces: Interfaces): ReadonlyArray<string> =>
  Object.values(interfaces).flatMap((found = []) =>
    found
      .filter((one) => one.family === family && !one.internal && !/^fe80:/i.test(one.address))
      .map(({ address }) => address)
  )

type Interfaces = ReturnType<typeof networkInterfaces>

/** What browsers can open: first on this machine, then on others. */
export const urlsOf = (
  host: string,
  port: number,
  interfaces: Interfaces = networkInterfaces()
): ReadonlyArray<string> => {
  const others = [
    ...(host === "0.0.0.0" || host === "::" ? addressesOf("IPv4", interfaces) : []),
    ...(host === "::" ? addressesOf("IPv6", interfaces) : [])
  ]
  const names = host === "0.0.0.0" || host === "::" ? ["localhost", ...others.slice(0, MOST_ADDRESSES)] : [host]
  return names.map((name) => `http://${name.includes(":") ? `[${name}]` : name}:${port}`)
}

const signInText = {
  local: (dim: (text: string) => string) =>
    `none ${dim("· whoever uses this machine is its investor; nobody else can connect")}`,
  accounts: (dim: (text: string) => string) => `accounts ${dim("· everybody signs in, programs show a token")}`
} as const

const hasDashboard = (role: string): boolean => role === "all-in-one" || role === "gateway"

export const banner = (facts: BannerFacts, colours: boolean): string => {
  const paint = (code: string) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  const bold = paint("1")
  const dim = paint("2")
  const line = (name: string, value: string) => `  ${dim(name.padEnd(11))}${value}`
  return [
    "",
    `  ${bold(paint("36")("▁▃▅▂▆█"))}  ${bold("LZStock")} ${dim(facts.version)}`,
    "",
    ...(facts.role === "all-in-one" ? [] : [line("Role", bold(facts.role))]),
    ...urlsOf(facts.host, facts.port, facts.interfaces).map((url, i) =>
      line(i > 0 ? "" : hasDashboard(facts.role) ? "Dashboard" : "Address", bold(url))
    ),
    ...(facts.label === undefined ? [] : [line("Feed", `${bold(facts.label)} ${dim(`· ${facts.symbols} symbols`)}`)]),
    ...(facts.signIn === undefined ? [] : [line("Sign-in", signInText[facts.signIn](dim))]),
    line("Data", path.resolve(facts.dataDir)),
    line("Health", dim("/healthz  /readyz  /metrics")),
    "",
    `  ${dim("Ctrl-C stops it.")}`,
    "",
    ""
  ].join("\n")
}
