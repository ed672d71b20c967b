/** A signal to a server that is not ready yet, because it waits for others. */
import { spawn } from "node:child_process"
import { createServer } from "node:net"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { temporaryFolder } from "../support/databases.ts"
import { freshDatabase, freshPrefix, services } from "../support/services.ts"

const main = path.resolve(import.meta.dirname, "../../src/app/main.ts")

/** Killed with the Scope, if it has not ended. */
const start = Effect.fnUntraced(function* (
  role: string,
  urls: { readonly databaseUrl: string; readonly natsUrl: string },
  drainSeconds = 20
) {
  const env = {
    ...process.env,
    LZSTOCK_DATA_DIR: yield* temporaryFolder,
    LZSTOCK_DATABASE_URL: urls.databaseUrl,
    LZSTOCK_NATS_URL: urls.natsUrl,
    LZSTOCK_CLUSTER: freshPrefix("stop")
  }
  const args = [main, "--role", role, "--port", "0", "--log-format", "json", "--drain-seconds", String(drainSeconds)]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, args, { env })),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  let output = ""
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += String(chunk)
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  return {
    kill: () => child.kill("SIGTERM"),
    output: () => output,
    ended: Effect.promise(() => ended),
    /** Dies with its output when it ends before. */
    said: (pattern: RegExp) =>
      Effect.promise(
        () =>
          new Promise<void>((resolve, reject) => {
            const look = () => pattern.test(output) && resolve()
            listeners.add(look)
            void ended.then((code) => reject(new Error(`ended with ${code}: ${output}`)))
            look()
          })
      )
  }
})

const freshUrls = Effect.gen(function* () {
  const { natsUrl } = yield* Effect.promise(services)
  return { databaseUrl: yield* freshDatabase, natsUrl }
})

describe("SIGTERM ends with code 0", () => {
  for (const role of ["market", "gateway"]) {
    it.live(`a ${role} node that waits for the feed's node`, () =>
      Effect.gen(function* () {
        const node = yield* start(role, yield* freshUrls)
        yield* node.said(/Waiting for the feed's node/)
        node.kill()
        assert.strictEqual(yield* node.ended, 0, node.output())
        assert.include(node.output(), "Stopped before it was ready")
        assert.match(node.output().trim().split("\n").at(-1) ?? "", /"Closed"/)
      }).pipe(Effect.scoped)
    )
  }

  it.live("also what cannot be given up: a node that connects to a NATS that says nothing", () =>
    Effect.gen(function* () {
      const connected = yield* Deferred.make<void>()
      const silent = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer(() => Deferred.doneUnsafe(connected, Effect.void))
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => void server.close())
      )
      const address = silent.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const node = yield* start("market", { ...(yield* freshUrls), natsUrl: `nats://127.0.0.1:${port}` }, 1)
      yield* Deferred.await(connected)
      node.kill()
      assert.strictEqual(yield* node.ended, 0, node.output())
      // a connection being made cannot be given up: the budget ends it
      assert.include(node.output(), "not everything closed within 1 s")
    }).pipe(Effect.scoped)
  )
})
