/** `lzstock` as another project has it: packed by npm, unpacked under its node_modules, far from the checkout. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { buildPackage, checkout, run } from "../support/builtPackage.ts"
import { ScriptedMarket } from "../support/ScriptedMarket.ts"

const market = new ScriptedMarket()
let project = ""
beforeAll(async () => {
  project = await mkdtemp(path.join(tmpdir(), "lzstock-installed-"))
  const modules = path.join(project, "node_modules")
  await mkdir(modules)
  await Promise.all([market.start(), buildPackage()])
  const packed = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", project])
  await run("tar", ["-xzf", path.join(project, packed.stdout.trim()), "-C", modules])
  await run("mv", [path.join(modules, "package"), path.join(modules, "lzstock")])
  // what npm would fetch for it
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    await readFile(path.join(checkout, "package.json"), "utf8")
  )
  for (const name of Object.keys(manifest.dependencies)) {
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true })
    await symlink(path.join(checkout, "node_modules", name), path.join(modules, name))
  }
  await writeFile(path.join(project, "package.json"), '{ "type": "module" }')
}, 180_000)
afterAll(async () => {
  await market.stop()
  await rm(project, { recursive: true, force: true })
})

const node = (...args: ReadonlyArray<string>) => run(process.execPath, args, project)

describe("installed in another project", () => {
  it("lzstock/client connects and answers, in plain JavaScript", async () => {
    const script = `
      import { connect, UnknownSymbol } from "lzstock/client"
      const client = connect({ url: process.argv[2] })
      const quote = await client.quote("AAPL")
      const refused = await client.quote("NOPE").catch((error) => error instanceof UnknownSymbol)
      await client.close()
      console.log(JSON.stringify([quote._tag, quote.seq, refused]))
    `
    await writeFile(path.join(project, "main.js"), script)
    const { stdout } = await node("main.js", market.url)
    expect(JSON.parse(stdout)).toEqual(["Snapshot", 7, true])
  })

  it("the rest of the contract is there under lzstock/rpc", async () => {
    const script = 'import { MAX_MESSAGE_BYTES } from "lzstock/rpc/sessions"; console.log(MAX_MESSAGE_BYTES)'
    expect(Number((await node("--input-type=module", "-e", script)).stdout)).toBeGreaterThan(1_000)
  })

  it("its types are checked by a strict project's tsc, and are not any", async () => {
    const source = (last: string) => `
      import { connect, LZStockClient, type MarketClient } from "lzstock/client"
      import { Effect } from "effect"
      const client: MarketClient = connect({ url: "http://127.0.0.1:1" })
      client.watch({ symbols: ["AAPL"] }, (events) => {
        for (const event of events) if (event._tag === "Update") console.log(event.last satisfies ${last})
      })
      export const quote = Effect.flatMap(LZStockClient, (face) => face.quote("AAPL"))
    `
    await writeFile(path.join(project, "right.ts"), source("number | null"))
    await writeFile(path.join(project, "wrong.ts"), source("string"))
    const tsc = path.join(checkout, "node_modules/typescript/bin/tsc")
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--lib", "es2024,dom"]
    await node(tsc, ...options, "--ignoreConfig", "right.ts")
    await expect(node(tsc, ...options, "--ignoreConfig", "wrong.ts")).rejects.toMatchObject({
      stdout: expect.stringMatching(/^wrong\.ts\(6,\d+\): error TS1360/)
    })
  })

  it("its command runs, also what needs the bundled data", async () => {
    const bin = path.join(project, "node_modules/lzstock/src/app/cli/lzstock.mjs")
    const { stdout } = await node(bin, "quote", "AAPL", "--json", "--url", market.url)
    expect(stdout).toContain('"symbol":"AAPL"')
    const day = ["--data", project, "--date", "2013-10-07", "--symbol", "SPY", "--bars", "-"]
    await expect(node(bin, "replay", ...day)).rejects.toMatchObject({
      stderr: expect.stringMatching(/^lzstock: .*tick/)
    })
  })
})
