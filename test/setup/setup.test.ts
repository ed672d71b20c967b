import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { findChromium, requireChromium } from "../../scripts/chromium.mjs"
import {
  compressFolder,
  hashFiles,
  installIsStale,
  installStampPath,
  satisfies,
  withLock
} from "../../scripts/setup/checks.mjs"

let root = ""
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "lzstock-setup-"))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const put = (name: string, content: string | object) => {
  const file = path.join(root, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content))
  return file
}
const effect = { version: "4.1.0", integrity: "sha512-a" }
const lock = { packages: { "": {}, "node_modules/effect": effect } }

describe("node_modules is stale", () => {
  it("when it is missing, or npm has not finished", () => {
    put("package-lock.json", lock)
    expect(installIsStale(root)).toBe(true)
    mkdirSync(path.join(root, "node_modules/effect"), { recursive: true })
    expect(installIsStale(root)).toBe(true)
  })

  it("not after npm did what the lock file says; then a stamp makes the answer cheap", () => {
    put("package-lock.json", lock)
    const record = put("node_modules/.package-lock.json", lock)
    expect(installIsStale(root)).toBe(false)
    rmSync(record)
    expect(installIsStale(root)).toBe(false)
  })

  it("when the lock file has moved on, and not when only its formatting has", () => {
    put("package-lock.json", lock)
    put("node_modules/.package-lock.json", lock)
    expect(installIsStale(root)).toBe(false)
    put("package-lock.json", JSON.stringify(lock, null, 2))
    expect(installIsStale(root)).toBe(false)
    put("package-lock.json", { packages: { "node_modules/effect": { ...effect, version: "4.1.1" } } })
    expect(installIsStale(root)).toBe(true)
  })

  it("when it was installed on another kind of machine", () => {
    put("package-lock.json", lock)
    put("node_modules/.package-lock.json", lock)
    expect(installIsStale(root)).toBe(false)
    rmSync(path.join(root, "node_modules/.package-lock.json"))
    const stamp = installStampPath(root)
    writeFileSync(stamp, readFileSync(stamp, "utf8").replace(process.platform, "plan9"))
    expect(installIsStale(root)).toBe(true)
  })

  it.each([
    ["the same", effect, true],
    ["another version", { ...effect, version: "4.0.9" }, false],
    ["another content", { ...effect, integrity: "sha512-b" }, false]
  ])("package by package: %s", (_, present, expected) => {
    expect(satisfies(lock, { packages: { "node_modules/effect": present } })).toBe(expected)
  })

  it("optional packages may be absent, others may not", () => {
    const wanted = { packages: { "node_modules/fsevents": { version: "2.0.0", optional: true } } }
    expect(satisfies(wanted, { packages: {} })).toBe(true)
    expect(satisfies(lock, { packages: {} })).toBe(false)
  })
})

describe("the dashboard is stale by content", () => {
  const hash = () => hashFiles(root, ["ui", "package-lock.json"])

  it("a change, a new file and a new name count; a touched file, a test and other folders do not", () => {
    put("package-lock.json", lock)
    put("ui/index.html", "a")
    put("ui/src/b.ts", "b")
    const before = hash()
    utimesSync(path.join(root, "ui/index.html"), 1, 1)
    put("ui/src/b.test.ts", "test")
    put("ui/node_modules/x.js", "x")
    put("src/app/main.ts", "server")
    expect(hash()).toBe(before)
    put("ui/src/b.ts", "bb")
    const changed = hash()
    expect(changed).not.toBe(before)
    put("ui/src/c.ts", "")
    expect(hash()).not.toBe(changed)
    rmSync(path.join(root, "ui/src/c.ts"))
    expect(hash()).toBe(changed)
    rmSync(path.join(root, "ui/src/b.ts"))
    put("ui/src/d.ts", "bb")
    expect(hash()).not.toBe(changed)
  })

  it("text of some size is compressed beside itself, nothing else is", () => {
    const text = "a line of script\n".repeat(200)
    put("ui/assets/app.js", text)
    put("ui/small.css", "a{}")
    put("ui/logo.png", text)
    compressFolder(path.join(root, "ui"))
    expect(String(brotliDecompressSync(readFileSync(path.join(root, "ui/assets/app.js.br"))))).toBe(text)
    expect(String(gunzipSync(readFileSync(path.join(root, "ui/assets/app.js.gz"))))).toBe(text)
    expect(readdirSync(path.join(root, "ui")).sort()).toEqual(["assets", "logo.png", "small.css"])
  })
})

describe("overlapping set-ups", () => {
  const quiet = () => {}

  it("take turns, and leave no lock behind even when one fails", async () => {
    const file = path.join(root, "setup.lock")
    const failing = withLock(file, quiet, () => {
      throw new Error("broke")
    })
    await expect(failing).rejects.toThrow("broke")
    let inside = 0
    const turns: Array<number> = []
    const turn = () => {
      inside += 1
      turns.push(inside)
      inside -= 1
    }
    await Promise.all([withLock(file, quiet, turn), withLock(file, quiet, turn), withLock(file, quiet, turn)])
    expect(turns).toEqual([1, 1, 1])
    expect(readdirSync(root)).toEqual([])
  })

  it("wait for a living owner and say so", async () => {
    const file = put("setup.lock", String(process.ppid))
    const said: Array<string> = []
    let done = false
    const waiting = withLock(
      file,
      (text) => {
        said.push(text)
        expect(done).toBe(false)
        rmSync(file)
      },
      () => {
        done = true
      }
    )
    await waiting
    expect(said).toHaveLength(1)
    expect(said[0]).toContain(`process ${process.ppid}`)
    expect(done).toBe(true)
  })

  it("take over from an owner that is gone", async () => {
    // above any pid the kernel gives out
    const file = put("setup.lock", "2147483646")
    let done = false
    await withLock(file, quiet, () => {
      done = true
    })
    expect(done).toBe(true)
  })
})

describe("Chromium", () => {
  it("is the named one, else the first on PATH, else missing", () => {
    const named = put("somewhere/chrome-nightly", "")
    expect(() => findChromium({ CHROMIUM_PATH: named })).toThrow(named)
    writeFileSync(named, "", { mode: 0o755 })
    rmSync(named)
    writeFileSync(named, "#!/bin/sh\n", { mode: 0o755 })
    expect(findChromium({ CHROMIUM_PATH: named, PATH: "" })).toBe(named)
    const onPath = put("bin/chromium", "")
    rmSync(onPath)
    writeFileSync(onPath, "#!/bin/sh\n", { mode: 0o755 })
    expect(findChromium({ PATH: `${root}/none${path.delimiter}${root}/bin` })).toBe(onPath)
    if (process.platform !== "darwin") expect(findChromium({ PATH: `${root}/none` })).toBeUndefined()
  })

  it("is demanded by browser tests with what to do about it", () => {
    const { CHROMIUM_PATH } = process.env
    process.env.CHROMIUM_PATH = path.join(root, "absent")
    try {
      expect(requireChromium).toThrow(/CHROMIUM_PATH is .*absent/)
    } finally {
      if (CHROMIUM_PATH === undefined) delete process.env.CHROMIUM_PATH
      else process.env.CHROMIUM_PATH = CHROMIUM_PATH
    }
  })
})
