/**
 * The embedded PostgreSQL's data directory. Making one takes seconds, copying a finished one a tenth: so one is kept beside the
 * packages, made by scripts/setup.mjs or by the first start. Goes to: PgliteWorker.ts.
 */
import { constants, existsSync, mkdirSync, readFileSync } from "node:fs"
import { cp, rename, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import path from "node:path"

/** A cache that belongs to these node_modules and this PGlite; undefined where there is no such place. */
export const templateFolder = (): string | undefined => {
  try {
    const main = createRequire(import.meta.url).resolve("@electric-sql/pglite")
    const root = path.resolve(path.dirname(main), "..")
    const manifest: unknown = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"))
    if (typeof manifest !== "object" || manifest === null || !("version" in manifest)) return undefined
    const modules = path.resolve(root, "../..")
    return path.join(modules, ".cache", "lzstock", `pglite-${String(manifest.version)}`)
  } catch {
    return undefined
  }
}

/** A folder appears whole under its name, or not at all. */
const placeWhole = async (folder: string, fill: (unfinished: string) => Promise<void>): Promise<void> => {
  const unfinished = `${folder}.${process.pid}.new`
  await rm(unfinished, { recursive: true, force: true })
  mkdirSync(path.dirname(folder), { recursive: true })
  await fill(unfinished)
  await rename(unfinished, folder)
}

const copyFolder = (from: string, to: string): Promise<void> =>
  placeWhole(to, (unfinished) => cp(from, unfinished, { recursive: true, mode: constants.COPYFILE_FICLONE }))

const isDatabase = (folder: string): boolean => existsSync(path.join(folder, "PG_VERSION"))

/** `template`: a finished, empty one to copy, or where to put one. */
export const makeData = async (data: string, template: string | undefined): Promise<void> => {
  if (isDatabase(data)) return
  if (template !== undefined && isDatabase(template)) return copyFolder(template, data)
  await placeWhole(data, async (unfinished) => {
    // only here: the main thread has no use for it
    const { PGlite } = await import("@electric-sql/pglite")
    const fresh = await PGlite.create({ dataDir: unfinished })
    await fresh.close()
  })
  // only to be faster the next time: a read-only disk, or another process that was first, is no trouble
  if (template !== undefined) await copyFolder(data, template).catch(() => undefined)
}

/** So that the first start need not. */
export const makeTemplate = async (): Promise<void> => {
  const template = templateFolder()
  if (template !== undefined) await makeData(template, undefined)
}
