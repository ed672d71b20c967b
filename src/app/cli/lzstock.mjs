#!/usr/bin/env node
// The `lzstock` command (package.json, bin). Plain JavaScript, because a Node too old for this program must still be able
// to read this file: then it hands over to the Node in node_modules, or says what is missing.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { constants } from "node:os"
import { fileURLToPath } from "node:url"

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
// Node strips types everywhere but under node_modules: an installed package has its JavaScript in dist
const installed = /[\\/]node_modules[\\/]/.test(fileURLToPath(import.meta.url))
const main = new URL(installed ? "../../../dist/app/cli/main.js" : "./main.ts", import.meta.url)
const places = ["../../../node_modules/node/bin/node", "../../../../node/bin/node"]
const bundled = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync)

if (major > 22 || (major === 22 && minor >= 19)) {
  await import(main.href)
} else if (bundled !== undefined) {
  const child = spawn(bundled, [fileURLToPath(main), ...process.argv.slice(2)], {
    // the channel carries nothing: its end tells the child that this process is gone, however it went
    stdio: ["inherit", "inherit", "inherit", "ipc"]
  })
  // a terminal's Ctrl-C reaches the child by itself, and the child decides when to end; a kill must be passed on
  process.on("SIGINT", () => {})
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal))
  child.on("error", (error) => {
    process.stderr.write(`lzstock: ${bundled} cannot be started: ${error.message}\n`)
    process.exit(1)
  })
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
} else {
  process.stderr.write(
    `lzstock: needs Node 22.19 or newer, this is ${process.versions.node}; npm install puts one into node_modules\n`
  )
  process.exit(1)
}
