/**
 * Everything between a fresh clone and a running system; `npm start`, `npm test` and `npm run bench` call it first.
 * Runs on the system's Node (20 or later) with nothing installed, so: plain JavaScript, no dependencies.
 *
 *   node scripts/setup.mjs start   dependencies, the package's JavaScript, dashboard
 *   node scripts/setup.mjs test    the same, a Chromium for the browser tests, and PostgreSQL, Redis and NATS
 *   node scripts/setup.mjs lib     dependencies, the package's JavaScript
 *   node scripts/setup.mjs ui      the dashboard, whether stale or not
 *
 * When nothing is stale it costs a few hashes. Runs that overlap take turns (a lock file).
 */
import { spawn, spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { CHROMIUM_MISSING, findChromium } from "./chromium.mjs"
import { ensureServices, ServicesError } from "./services/find.mjs"
import {
  compressFolder,
  filesUnder,
  hashFiles,
  installIsStale,
  installStampPath,
  lockHash,
  withLock
} from "./setup/checks.mjs"

/** What Effect 4 needs. */
const MIN_MAJOR = 22
const MIN_MINOR = 19
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")
const at = (/** @type {string[]} */ ...parts) => path.join(root, ...parts)
const say = (/** @type {string} */ text) => process.stderr.write(`lzstock setup: ${text}\n`)

class SetupError extends Error {}

/**
 * Runs a command and lets its output through only if it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
const run = (command, args, options = {}) =>
  spawnSync(command, args, {
    cwd: options.cwd ?? root,
    env: options.env ?? process.env,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === "win32"
  })

/** @param {ReturnType<typeof run>} result */
const lastLines = (result) => {
  const text = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim() || String(result.error ?? "")
  return text.split("\n").slice(-40).join("\n")
}

// ---- dependencies --------------------------------------------------------------------------------------------------

const localNode = at("node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node")

/** @param {string} command @returns {string | undefined} */
const nodeVersion = (command) => {
  const result = run(command, ["--version"])
  return result.status === 0 ? result.stdout.trim() : undefined
}

/** @param {string | undefined} version */
const isNewEnough = (version) => {
  const [major = 0, minor = 0] = (version ?? "").replace(/^v/, "").split(".").map(Number)
  return major > MIN_MAJOR || (major === MIN_MAJOR && minor >= MIN_MINOR)
}

/**
 * The `node` package fetches its binary in an install script, which a cautious npm configuration (`ignore-scripts`, an
 * unreviewed `allowScripts`) leaves out. Then its script is run here, as the project's own decision.
 */
const ensureNode = () => {
  if (isNewEnough(nodeVersion(localNode))) return
  const binary = at("node_modules", "node", "bin", "node")
  rmSync(binary, { force: true })
  run(process.execPath, ["installArchSpecificPackage.js"], { cwd: at("node_modules", "node") })
  if (existsSync(binary)) {
    // npm links a package's commands when it installs it; this one had none then
    rmSync(localNode, { force: true })
    symlinkSync(path.relative(path.dirname(localNode), binary), localNode)
  }
  if (isNewEnough(nodeVersion(localNode))) return
  // npm scripts fall through a missing node_modules/.bin/node to the system's
  if (isNewEnough(process.version) && !existsSync(localNode)) return
  throw new SetupError(
    `Node ${MIN_MAJOR}.${MIN_MINOR} or later is needed; this is ${process.version}, and the npm package "node" could not bring its own.\n` +
      "Install Node 24 (https://nodejs.org), or allow that package's install script (npm config get ignore-scripts) and delete node_modules."
  )
}

/**
 * `npm install` and not `npm ci`: the lock file may have been written where a registry had native packages of one platform
 * only, and `npm ci` refuses such a file on every platform. Versions are those of the lock file either way; `--no-save`
 * keeps it as it is.
 */
const install = () => {
  say("installing dependencies (npm install) …")
  const started = Date.now()
  const npm = process.env.npm_execpath
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--include=dev", "--loglevel=error"]
  const result = npm ? run(process.execPath, [npm, ...args]) : run("npm", args)
  if (result.status !== 0) {
    throw new SetupError(`npm install failed. Is the npm registry reachable?\n${lastLines(result)}`)
  }
  ensureNode()
  writeFileSync(installStampPath(root), lockHash(root))
  say(`dependencies installed in ${((Date.now() - started) / 1000).toFixed(0)} s`)
}

// ---- the package's JavaScript --------------------------------------------------------------------------------------

// Node runs our TypeScript as it is, but not under node_modules: who installs this package gets dist/{rpc,actors,app}
const libStamp = at("dist", ".lib-stamp")
const libHash = () => hashFiles(root, ["src", "tsconfig.json", "tsconfig.build.json", "package-lock.json"])
const libIsStale = () => !existsSync(libStamp) || readFileSync(libStamp, "utf8") !== libHash()

const buildLib = () => {
  const started = Date.now()
  rmSync(libStamp, { force: true })
  const hash = libHash()
  const next = at("dist", ".lib")
  rmSync(next, { recursive: true, force: true })
  const node = existsSync(localNode) ? localNode : process.execPath
  const tsc = at("node_modules", "typescript", "bin", "tsc")
  const result = run(node, [tsc, "-p", "tsconfig.build.json", "--outDir", next])
  if (result.status !== 0) throw new SetupError(`lzstock/client did not build.\n${lastLines(result)}`)
  for (const file of filesUnder(at("src"), ".")) {
    if (file.endsWith(".csv")) cpSync(at("src", file), path.join(next, file))
  }
  for (const room of readdirSync(next)) {
    rmSync(at("dist", room), { recursive: true, force: true })
    renameSync(path.join(next, room), at("dist", room))
  }
  rmSync(next, { recursive: true, force: true })
  writeFileSync(libStamp, hash)
  say(`lzstock/client built in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

// ---- the embedded database's first data ------------------------------------------------------------------------------

const dataModule = pathToFileURL(at("src", "app", "postgres", "PgliteData.ts")).href

/** Beside the builds; whatever goes wrong, the first start makes it itself. @returns {Promise<unknown>} */
const makeTemplate = () => {
  const node = existsSync(localNode) ? localNode : process.execPath
  const code = `await (await import(${JSON.stringify(dataModule)})).makeTemplate()`
  const child = spawn(node, ["--input-type=module", "--eval", code], { cwd: root, stdio: "ignore" })
  return new Promise((resolve) => child.once("error", resolve).once("close", resolve))
}

// ---- dashboard -----------------------------------------------------------------------------------------------------

const uiStamp = at("dist", "ui", ".stamp")
const uiHash = () => hashFiles(root, ["ui", "src/rpc", "package-lock.json"])
const uiIsStale = () => {
  if (!existsSync(at("ui", "index.html"))) return false
  return !existsSync(uiStamp) || readFileSync(uiStamp, "utf8") !== uiHash()
}

const buildUi = () => {
  say("building the dashboard …")
  const started = Date.now()
  rmSync(uiStamp, { force: true })
  const hash = uiHash()
  const node = existsSync(localNode) ? localNode : process.execPath
  const vite = at("node_modules", "vite", "bin", "vite.js")
  const result = run(node, [vite, "build", "ui", "--outDir", at("dist", "ui"), "--emptyOutDir", "--logLevel", "warn"])
  if (result.status !== 0) throw new SetupError(`The dashboard did not build.\n${lastLines(result)}`)
  compressFolder(at("dist", "ui"))
  writeFileSync(uiStamp, hash)
  say(`dashboard built in ${((Date.now() - started) / 1000).toFixed(0)} s`)
}

// ---- Chromium ------------------------------------------------------------------------------------------------------

/** Missing after this, the browser tests fail with the same message; everything else still runs. */
const ensureChromium = () => {
  if (findChromium() !== undefined) return
  const isRoot = process.getuid?.() === 0
  if (process.platform !== "linux" || !isRoot || run("apt-get", ["--version"]).status !== 0) {
    say(CHROMIUM_MISSING)
    return
  }
  say("installing Chromium for the browser tests (apt-get) …")
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  run("apt-get", ["update", "-qq"], { env })
  const result = run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], { env })
  if (result.status !== 0 || findChromium() === undefined) say(`${CHROMIUM_MISSING}\n${lastLines(result)}`)
}

/** As with Chromium: the tests that need what is missing fail with the same message. */
const ensureStores = async () => {
  try {
    await ensureServices({ say })
  } catch (error) {
    if (!(error instanceof ServicesError)) throw error
    say(error.message)
  }
}

// --------------------------------------------------------------------------------------------------------------------

const main = async () => {
  const task = process.argv[2] ?? ""
  const tasks = ["start", "test", "lib", "ui"]
  if (!tasks.includes(task)) throw new SetupError(`usage: node scripts/setup.mjs ${tasks.join("|")}`)
  const installNeeded = () => installIsStale(root) || !existsSync(localNode)
  const libNeeded = () => task !== "ui" && libIsStale()
  const uiNeeded = () => task === "ui" || (task !== "lib" && uiIsStale())
  /** @type {Promise<unknown> | undefined} */
  let template
  if (installNeeded() || libNeeded() || uiNeeded()) {
    mkdirSync(at(".lzstock"), { recursive: true })
    await withLock(at(".lzstock", "setup.lock"), say, () => {
      // asked again: another run may have done it while this one waited
      if (installIsStale(root)) install()
      else ensureNode()
      template = makeTemplate()
      if (libNeeded()) buildLib()
      if (uiNeeded()) buildUi()
    })
    await template
  }
  if (task === "test") {
    ensureChromium()
    await ensureStores()
  }
}

main().catch((error) => {
  say(error instanceof SetupError ? error.message : String(error?.stack ?? error))
  process.exitCode = 1
})
