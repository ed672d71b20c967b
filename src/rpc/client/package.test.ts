/** The client as its users get it: from the package's exports, in a browser's bundle, and gone without a trace when closed. */
import path from "node:path"
import { gzipSync } from "node:zlib"
import { beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Queue } from "effect"
import { build } from "vite"
import { makeBareWebSocketServer } from "../../../test/support/BareWebSocketServer.ts"
import { buildPackage, checkout as root, run } from "../../../test/support/builtPackage.ts"
import { watching } from "../../../test/support/ScriptedMarket.ts"

const GZIP_LIMIT_BYTES = 64 * 1024

describe("lzstock/client", () => {
  beforeAll(buildPackage, 120_000)

  it("bundles for a browser, with nothing of Node in it", async () => {
    const entry = "\0entry"
    const result = await build({
      root,
      configFile: false,
      logLevel: "silent",
      plugins: [
        {
          name: "entry",
          resolveId: (id) => (id === "entry" ? entry : undefined),
          load: (id) => (id === entry ? 'export { connect } from "lzstock/client"' : undefined)
        }
      ],
      build: { write: false, minify: true, rollupOptions: { input: "entry", preserveEntrySignatures: "strict" } }
    })
    const outputs = Array.isArray(result) ? result : [result]
    const chunks = outputs.flatMap((one) => ("output" in one ? one.output : [])).filter((one) => one.type === "chunk")
    const code = chunks.map((one) => one.code).join("")
    expect(chunks.flatMap((one) => one.imports)).toEqual([])
    const modules = chunks.flatMap((one) => one.moduleIds)
    expect(modules.filter((id) => /^node:|browser-external|platform-node|effect\/dist\/cluster/.test(id))).toEqual([])
    expect(modules).toContain(path.join(root, "dist/rpc/client.js"))
    const gzipped = gzipSync(code).length
    console.info(`lzstock/client for a browser: ${gzipped} bytes gzipped (limit ${GZIP_LIMIT_BYTES})`)
    expect(gzipped).toBeLessThan(GZIP_LIMIT_BYTES)
  }, 60_000)

  it.live.each([
    { library: "the global WebSocket", peer: "answers" },
    { library: "ws", peer: "answers" },
    { library: "ws", peer: "is deaf" }
  ])("leaves no socket and no timer behind when closed: $library, a server that $peer", ({ library, peer }) =>
    Effect.gen(function* () {
      const server = yield* makeBareWebSocketServer
      const script = path.join(root, "test/support/clientThatLeaves.ts")
      const child = yield* Effect.forkChild(Effect.promise(() => run(process.execPath, [script, server.url, library])))
      const connection = yield* server.next
      // status, watch and watchBars, in any order
      const requests = [
        yield* Queue.take(connection.lines),
        yield* Queue.take(connection.lines),
        yield* Queue.take(connection.lines)
      ]
      const watch = requests.find((line) => "tag" in line && line.tag === "market.Watch")
      if (peer === "is deaf") connection.socket.pause()
      connection.say({ _tag: "Chunk", requestId: watch?.id, values: [watching(["AAPL"])] })
      const { stdout } = yield* Fiber.join(child)
      expect(stdout).toEqual("[]\n")
    })
  )
})
