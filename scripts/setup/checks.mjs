/** What setup.mjs decides by: hashes, the staleness of node_modules, the lock between overlapping runs. No side effects on import. */
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"

/**
 * Every file under `entry` (itself, if it is one), relative to `root`, sorted: the same tree gives the same list anywhere.
 * @param {string} root
 * @param {string} entry
 * @returns {string[]}
 */
export const filesUnder = (root, entry) => {
  const full = path.join(root, entry)
  if (!existsSync(full)) return []
  if (statSync(full).isFile()) return [entry]
  return readdirSync(full)
    .filter((name) => name !== "node_modules")
    .sort()
    .flatMap((name) => filesUnder(root, `${entry}/${name}`))
}

/**
 * One hash over the names and contents of files and folders; tests beside the sources do not count.
 * @param {string} root
 * @param {string[]} entries
 */
export const hashFiles = (root, entries) => {
  const hash = createHash("sha256")
  for (const file of entries.flatMap((entry) => filesUnder(root, entry))) {
    if (/\.test\.tsx?$/.test(file)) continue
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update("\0")
  }
  return hash.digest("hex")
}

/** @param {string} root */
export const installStampPath = (root) => path.join(root, "node_modules", ".lzstock-stamp")

/** The lock file, and the machine: native packages of another platform do not run here. @param {string} root */
export const lockHash = (root) => `${hashFiles(root, ["package-lock.json"])} ${process.platform}-${process.arch}`

/**
 * True when node_modules is missing, was left half-installed, or is not what package-lock.json says. An `npm install`
 * done by hand counts as fresh: npm's own record in node_modules is compared where our stamp does not match.
 * @param {string} root
 * @returns {boolean}
 */
export const installIsStale = (root) => {
  const stamp = installStampPath(root)
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lockHash(root)) return false
  const wanted = path.join(root, "package-lock.json")
  const present = path.join(root, "node_modules", ".package-lock.json")
  if (!existsSync(wanted) || !existsSync(present)) return true
  const satisfied = satisfies(JSON.parse(readFileSync(wanted, "utf8")), JSON.parse(readFileSync(present, "utf8")))
  if (satisfied) writeFileSync(stamp, lockHash(root))
  return !satisfied
}

/**
 * Whether npm's record of what is installed has everything the lock file wants; optional packages may be absent.
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }} LockEntry
 * @typedef {{ packages?: Record<string, LockEntry> }} LockFile
 * @param {LockFile} wanted
 * @param {LockFile} present
 */
export const satisfies = (wanted, present) =>
  Object.entries(wanted.packages ?? {}).every(([name, entry]) => {
    if (name === "") return true
    const found = present.packages?.[name]
    if (found === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true
    return found.version === entry.version && found.integrity === entry.integrity
  })

/** @param {number} pid */
const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/**
 * Runs `work` while no other process holds the lock. A lock whose owner is gone is taken over.
 * @param {string} file
 * @param {(text: string) => void} say
 * @param {() => void} work
 */
export const withLock = async (file, say, work) => {
  let told = false
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" })
      break
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
    }
    const owner = readOwner(file)
    if (owner !== undefined && !isAlive(owner)) {
      if (readOwner(file) === owner) unlinkQuietly(file)
      continue
    }
    if (!told) say(`waiting for another setup (process ${owner ?? "unknown"}); delete ${file} if there is none`)
    told = true
    await new Promise((resume) => setTimeout(resume, 200))
  }
  try {
    work()
  } finally {
    unlinkQuietly(file)
  }
}

/** @param {string} file @returns {number | undefined} */
const readOwner = (file) => {
  try {
    const pid = Number(readFileSync(file, "utf8"))
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** @param {string} file */
const unlinkQuietly = (file) => {
  try {
    unlinkSync(file)
  } catch {
    // someone else removed it
  }
}

const COMPRESSIBLE = /\.(html|js|mjs|css|svg|json|txt|map|webmanifest|ico)$/

/**
 * Writes a .br and a .gz beside each text file that becomes smaller, so that the server never compresses at run time.
 * @param {string} folder
 */
export const compressFolder = (folder) => {
  for (const name of filesUnder(folder, ".")) {
    if (!COMPRESSIBLE.test(name)) continue
    const file = path.join(folder, name)
    const bytes = readFileSync(file)
    if (bytes.length < 1024) continue
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }))
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  }
}
