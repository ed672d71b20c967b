/** What a person sees when the server is up. */
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
}

/** What a browser on this machine can open. */
export const urlOf = (host: string, port: number): string => {
  const reachable = host === "0.0.0.0" || host === "::" ? "localhost" : host
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`
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
    line(hasDashboard(facts.role) ? "Dashboard" : "Address", bold(urlOf(facts.host, facts.port))),
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
