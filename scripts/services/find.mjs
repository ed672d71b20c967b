/**
 * Where each service comes from: its environment variable, else programs on this machine, else apt-get (install.mjs), else
 * an error that says what to do. No side effects on import.
 */
import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs"
import path from "node:path"
import { installPackages } from "./install.mjs"

/** @typedef {"postgres" | "redis" | "nats"} ServiceName */

/**
 * A server that is given (`url`), or the programs to start one with (absolute paths, by name).
 * @typedef {{ url: string, programs?: undefined } | { url?: undefined, programs: Record<string, string> }} Source
 */

/** A user's mistake or a missing program: its message is all there is to say. */
export class ServicesError extends Error {}

/** @type {Record<ServiceName, { title: string, variable: string, programs: string[], package: string }>} */
export const SERVICES = {
  postgres: { title: "PostgreSQL", variable: "DATABASE_URL", programs: ["postgres", "initdb"], package: "postgresql" },
  redis: { title: "Redis", variable: "REDIS_URL", programs: ["redis-server"], package: "redis-server" },
  nats: { title: "NATS", variable: "NATS_URL", programs: ["nats-server"], package: "nats-server" }
}

/** @type {ServiceName[]} */
export const SERVICE_NAMES = ["postgres", "redis", "nats"]

/** @param {string} name @returns {name is ServiceName} */
export const isServiceName = (name) => Object.hasOwn(SERVICES, name)

/** @param {string} file */
const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** `parent/NAME/bin` of the names that match, the highest version first. @param {string} parent @param {RegExp} pattern */
const versionFolders = (parent, pattern) => {
  try {
    return readdirSync(parent)
      .filter((name) => pattern.test(name))
      .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
      .map((name) => path.join(parent, name, "bin"))
  } catch {
    return []
  }
}

/** PATH first, then where packages put servers that are on nobody's PATH. @param {NodeJS.ProcessEnv} env */
const searchFolders = (env) => {
  const folders = (list = "") => list.split(path.delimiter).filter((folder) => path.isAbsolute(folder))
  if (env.LZSTOCK_SERVICES_PATH !== undefined) return folders(env.LZSTOCK_SERVICES_PATH)
  const brew = [env.HOMEBREW_PREFIX ?? "", "/opt/homebrew", "/usr/local"].filter((prefix) => prefix !== "")
  return [
    ...folders(env.PATH),
    "/usr/sbin",
    ...versionFolders("/usr/lib/postgresql", /^\d/),
    "/usr/local/bin",
    ...brew.map((prefix) => path.join(prefix, "bin")),
    ...brew.flatMap((prefix) => versionFolders(path.join(prefix, "opt"), /^postgresql(@\d+)?$/))
  ]
}

/**
 * All programs of a service from one folder, so that they are of one version.
 * @param {ServiceName} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {Source | undefined}
 */
const findPrograms = (name, env) => {
  const { programs } = SERVICES[name]
  const folder = searchFolders(env).find((one) => programs.every((program) => isExecutable(path.join(one, program))))
  if (folder === undefined) return undefined
  return {
    programs: Object.fromEntries(programs.map((program) => [program, path.join(folder, program)]))
  }
}

/** @param {ServiceName[]} names */
const missing = (names) => {
  const packages = names.map((name) => SERVICES[name].package).join(" ")
  const sets = names.map((name) => `${SERVICES[name].variable} (${SERVICES[name].title})`).join(", ")
  return (
    `${names.map((name) => SERVICES[name].title).join(", ")}: no server found.\n` +
    `Install it (Debian/Ubuntu, as root: apt-get install ${packages}; macOS: brew install ${packages.replace("redis-server", "redis")}), ` +
    `or set ${sets} to a server of yours.`
  )
}

/** @param {NodeJS.ProcessEnv} env */
const canInstall = (env) => {
  // who says where to look, wants those and no others
  if (env.LZSTOCK_SERVICES_PATH !== undefined || process.getuid?.() !== 0) return false
  try {
    return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8"))
  } catch {
    return false
  }
}

/**
 * A source for each service, after installing what is missing where that is possible. Starts nothing.
 * LZSTOCK_SERVICES_PATH (folders, like PATH): look there and nowhere else, install nothing.
 * @param {{ only?: ReadonlyArray<ServiceName>, env?: NodeJS.ProcessEnv, say?: (text: string) => void }} [options]
 * @returns {Promise<Array<{ name: ServiceName, source: Source }>>} in the order asked for; rejects with a ServicesError
 */
export const ensureServices = async ({ env = process.env, only = SERVICE_NAMES, say = () => {} } = {}) => {
  const look = (/** @type {ServiceName} */ name) => {
    const url = env[SERVICES[name].variable]
    return { name, source: url ? { url } : findPrograms(name, env) }
  }
  let found = only.map(look)
  const absent = () => found.filter(({ source }) => source === undefined).map(({ name }) => name)
  let trouble = ""
  if (absent().length > 0 && canInstall(env)) {
    say(
      `installing ${absent()
        .map((name) => SERVICES[name].title)
        .join(", ")} (apt-get) …`
    )
    trouble = await installPackages(() => {
      // asked again: another process may have done it while this one waited
      found = only.map(look)
      return absent().map((name) => SERVICES[name].package)
    })
    found = only.map(look)
  }
  if (absent().length > 0) throw new ServicesError(`${missing(absent())}${trouble === "" ? "" : `\n${trouble}`}`)
  return found.flatMap(({ name, source }) => (source === undefined ? [] : [{ name, source }]))
}
