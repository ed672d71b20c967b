/**
 * The dashboard's files, read once at start. A request is a look-up in this table, so no path can lead out of the folder.
 * Hashed names are cached for ever, the rest is revalidated by ETag; setup.mjs has written .br and .gz beside the text files.
 */
import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import path from "node:path"
import { Effect } from "effect"

export type Encoding = "br" | "gzip" | "identity"

export interface StaticFile {
  readonly contentType: string
  readonly cacheControl: string
  /** One strong tag per representation, as HTTP wants it. */
  readonly etag: Readonly<Record<Encoding, string>>
  readonly bytes: Readonly<Record<"identity", Uint8Array> & Partial<Record<Encoding, Uint8Array>>>
}

/** Keyed by URL path, e.g. `/assets/index-3f9a2b.js`; `/` is index.html. */
export type StaticFiles = ReadonlyMap<string, StaticFile>

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8"
}

/** vite's `name-HASH.ext` under assets/. */
const isHashed = (url: string): boolean => /^\/assets\/.+-[\w-]{8,}\.\w+$/.test(url)

/** Reads a built dashboard; an absent folder is an empty table. */
export const readStaticFiles = (folder: string): Effect.Effect<StaticFiles> =>
  Effect.promise(async () => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    const names = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
    const present = new Set(names)
    const table = new Map<string, StaticFile>()
    for (const file of names) {
      const url = `/${path.relative(folder, file).split(path.sep).join("/")}`
      if (/(^|\/)\./.test(url.slice(1)) || /\.(br|gz)$/.test(url)) continue
      const entry = await readOne(file, url, present)
      table.set(url, entry)
      if (url === "/index.html") table.set("/", entry)
    }
    return table
  })

const readOne = async (file: string, url: string, present: ReadonlySet<string>): Promise<StaticFile> => {
  const identity = await readFile(file)
  const br = present.has(`${file}.br`) ? await readFile(`${file}.br`) : undefined
  const gzip = present.has(`${file}.gz`) ? await readFile(`${file}.gz`) : undefined
  const hash = createHash("sha256").update(identity).digest("base64url").slice(0, 22)
  return {
    contentType: contentTypes[path.extname(file).toLowerCase()] ?? "application/octet-stream",
    cacheControl: isHashed(url) ? "public, max-age=31536000, immutable" : "no-cache",
    etag: { identity: `"${hash}"`, br: `"${hash}-br"`, gzip: `"${hash}-gz"` },
    bytes: { identity, ...(br && { br }), ...(gzip && { gzip }) }
  }
}

/** What an Accept-Encoding header allows, best first: br, then gzip, `q=0` meaning never. */
export const chooseEncoding = (file: StaticFile, accept: string | undefined): Encoding => {
  const offers = new Map<string, number>()
  for (const part of (accept ?? "").toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim())
    const q = parameters.find((text) => text.startsWith("q="))
    offers.set(name, q === undefined ? 1 : Number(q.slice(2)))
  }
  const accepts = (name: string) => (offers.get(name) ?? offers.get("*") ?? 0) > 0
  if (file.bytes.br && accepts("br")) return "br"
  if (file.bytes.gzip && accepts("gzip")) return "gzip"
  return "identity"
}

/** Whether an If-None-Match header names this tag (weak comparison, as it asks for). */
export const matchesTag = (header: string | undefined, tag: string): boolean =>
  (header ?? "").split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === tag)
