/**
 * Which Chromium the browser tests drive: $CHROMIUM_PATH, else the first known name on PATH, else the usual macOS places.
 * Plain JavaScript without dependencies, because setup.mjs runs before anything is installed.
 */
import { accessSync, constants, statSync } from "node:fs"
import path from "node:path"

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"]
const MAC_APPS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium"
]

/** @param {string} file */
const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/**
 * Absolute path of a Chromium, or undefined. A CHROMIUM_PATH that points nowhere is an error, not a reason to look on.
 * @param {Record<string, string | undefined>} [env]
 * @returns {string | undefined}
 */
export const findChromium = (env = process.env) => {
  const named = env.CHROMIUM_PATH
  if (named) {
    if (isExecutable(named)) return named
    throw new Error(`CHROMIUM_PATH is ${named}, which is not an executable file.`)
  }
  const folders = (env.PATH ?? "").split(path.delimiter).filter((folder) => folder !== "")
  const candidates = folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name)))
  return [...candidates, ...MAC_APPS].find(isExecutable)
}

export const CHROMIUM_MISSING =
  "The browser tests need Chromium: install it (Debian/Ubuntu: apt-get install chromium; macOS: Google Chrome) or set CHROMIUM_PATH to its binary."

/**
 * For tests: the path, or an error that says what to install. Tests fail with it; they are not skipped.
 * @returns {string}
 */
export const requireChromium = () => {
  const found = findChromium()
  if (found === undefined) throw new Error(CHROMIUM_MISSING)
  return found
}
