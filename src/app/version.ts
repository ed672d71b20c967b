/** What `--version`, the banner and `market.Status` say. */
import { readFileSync } from "node:fs"
import path from "node:path"

/** The checkout this runs from. */
export const projectRoot = path.resolve(import.meta.dirname, "../..")

/** The built dashboard. */
export const uiFolder = path.join(projectRoot, "dist/ui")

const readVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(path.join(projectRoot, "package.json"), "utf8"))
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown"
}

export const version: string = readVersion()
