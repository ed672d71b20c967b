/** Which pages may talk to us (S1), and how a browser's cookie is called for them. */
import { isIP } from "node:net"

/**
 * A page from the very host it calls is our own dashboard, but only where that host cannot be somebody's name rebound to this address:
 * an IP address or localhost. Other names are to be listed.
 */
export const originAllowed = (origin: string, host: string | undefined, allowed: ReadonlySet<string>): boolean => {
  if (allowed.has(origin)) return true
  const url = URL.parse(origin)
  // as a browser writes it, and not in some other way that only looks the same
  if (url === null || url.host !== host || url.origin !== origin) return false
  const name = url.hostname.replace(/^\[|\]$/g, "")
  return name === "localhost" || isIP(name) !== 0
}

const isSecure = (origin: string): boolean => origin.startsWith("https:")

/** Over TLS nobody but this very host can have set it: no subdomain, no network. */
const nameFor = (origin: string): string => (isSecure(origin) ? "__Host-lzstock" : "lzstock")

/** The cookie that this page's sign-in set; undefined: none, or several, of which somebody else may have set one. */
export const cookieFor = (origin: string, header: string | undefined): string | undefined => {
  const name = `${nameFor(origin)}=`
  const values = (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(name))
  const [value] = values
  return values.length === 1 && value !== undefined ? value.slice(name.length) : undefined
}

/** `value` null: gone. Strict: no other site's page makes the browser send it. */
export const setCookie = (origin: string, value: string | null, maxAgeSeconds: number): string =>
  [
    `${nameFor(origin)}=${value ?? ""}`,
    "Path=/",
    "HttpOnly",
    "SameSite=Strict",
    `Max-Age=${value === null ? 0 : Math.max(0, Math.floor(maxAgeSeconds))}`,
    ...(isSecure(origin) ? ["Secure"] : [])
  ].join("; ")
