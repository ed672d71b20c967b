/**
 * `apt-get install` of servers without their daemons: Debian starts a package's daemon on installation unless
 * /usr/sbin/policy-rc.d says no (exit code 101). Ours says no while the process that wrote it lives, and no longer.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { withLock } from "../setup/checks.mjs"

const POLICY = "/usr/sbin/policy-rc.d"
const MARK = "# written by lzstock for the time of one apt-get install"

/**
 * Runs `work` while invoke-rc.d and deb-systemd-invoke refuse to start daemons; what was there before is back afterwards. If
 * this process is killed half-way, its script asks the former one instead, and the next call clears it away.
 * @template A
 * @param {() => A} work
 * @param {string} [file]
 * @returns {A}
 */
export const withoutDaemons = (work, file = POLICY) => {
  const kept = `${file}.lzstock-kept`
  const restore = () => {
    if (existsSync(file) && readFileSync(file, "utf8").includes(MARK)) rmSync(file)
    if (existsSync(kept) && !existsSync(file)) renameSync(kept, file)
  }
  restore()
  // most container images already refuse
  if (existsSync(file) && spawnSync(file, ["postgresql", "start"]).status === 101) return work()
  if (existsSync(file)) renameSync(file, kept)
  writeFileSync(
    file,
    `#!/bin/sh\n${MARK}\nkill -0 ${process.pid} 2>/dev/null && exit 101\n[ -x ${kept} ] && exec ${kept} "$@"\nexit 0\n`
  )
  chmodSync(file, 0o755)
  try {
    return work()
  } finally {
    restore()
  }
}

/** @param {string[]} args */
const aptGet = (args) =>
  spawnSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024
  })

/**
 * One installation at a time on the machine. A Ctrl-C ends apt-get (it is in the terminal's process group), and this process
 * only after it has put the policy back.
 * @param {() => string[]} packages asked once it is our turn
 * @returns {Promise<string>} what apt-get said when it failed, else ""
 */
export const installPackages = async (packages) => {
  let trouble = ""
  const later = () => {}
  process.on("SIGINT", later).on("SIGTERM", later)
  try {
    await withLock(
      "/run/lzstock-services.lock",
      () => {},
      () => {
        const names = packages()
        if (names.length === 0) return
        aptGet(["update"])
        const install = ["install", "-y", "--no-install-recommends", ...names]
        const result = withoutDaemons(() => aptGet(install))
        if (result.status !== 0) trouble = `${result.stdout ?? ""}${result.stderr ?? ""}${result.error ?? ""}`.trim()
        // with systemd they would start at the next boot
        if (existsSync("/run/systemd/system")) spawnSync("systemctl", ["disable", ...names], { stdio: "ignore" })
      }
    )
  } finally {
    process.off("SIGINT", later).off("SIGTERM", later)
  }
  return trouble.split("\n").slice(-20).join("\n")
}
