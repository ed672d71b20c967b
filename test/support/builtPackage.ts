/** The package's JavaScript in dist, as set-up builds it: for tests run without `npm test`, after a change. */
import { execFile } from "node:child_process"
import path from "node:path"
import { promisify } from "node:util"

export const checkout = path.resolve(import.meta.dirname, "../..")

/** Resolves with stdout; rejects, with both outputs in the message, when the command fails. */
export const run = async (
  command: string,
  args: ReadonlyArray<string>,
  cwd: string = checkout
): Promise<{ readonly stdout: string }> => {
  const env = { ...process.env, npm_config_loglevel: "error", npm_config_update_notifier: "false" }
  return promisify(execFile)(command, args, { cwd, env, timeout: 120_000 })
}

export const buildPackage = () => run(process.execPath, ["scripts/setup.mjs", "lib"])
