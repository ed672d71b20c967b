import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import http from "node:http"
import { tmpdir } from "node:os"
import path from "node:path"
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { parsePrometheus } from "../../../test/support/prometheus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../actors/kernel/Latency.ts"
import { ProcessMetrics } from "../observability/ProcessMetrics.ts"
import { HttpListener } from "./HttpListener.ts"
import { layerHttp } from "./http.ts"
import { Readiness } from "./Readiness.ts"

const INDEX = `<!doctype html><title>LZStock</title>${" ".repeat(2000)}`
const SCRIPT = `console.log("${"x".repeat(2000)}")`

/** A built dashboard, with something beside it that must never be served. */
const builtUi = Effect.acquireRelease(
  Effect.sync(() => {
    const parent = mkdtempSync(path.join(tmpdir(), "lzstock-ui-"))
    const folder = path.join(parent, "ui")
    mkdirSync(path.join(folder, "assets"), { recursive: true })
    writeFileSync(path.join(parent, "secret.txt"), "secret")
    writeFileSync(path.join(folder, ".stamp"), "stamp")
    writeFileSync(path.join(folder, "index.html"), INDEX)
    writeFileSync(path.join(folder, "favicon.svg"), "<svg/>")
    writeFileSync(path.join(folder, "assets", "index-Dk3f9a2b.js"), SCRIPT)
    writeFileSync(path.join(folder, "assets", "index-Dk3f9a2b.js.br"), brotliCompressSync(SCRIPT))
    writeFileSync(path.join(folder, "assets", "index-Dk3f9a2b.js.gz"), gzipSync(SCRIPT))
    return { parent, folder }
  }),
  ({ parent }) => Effect.sync(() => rmSync(parent, { recursive: true }))
)

const server = Layer.unwrap(Effect.map(builtUi, ({ folder }) => layerHttp({ uiFolder: folder }))).pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      HttpListener.layer({ host: "127.0.0.1", port: 0 }),
      Readiness.layer,
      Gauges.layer,
      DeliveryLatency.layer,
      ProcessMetrics.layer
    )
  )
)

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** node:http and not fetch, because fetch tidies paths and unpacks bodies before we see them. */
const request = (target: string, headers: Record<string, string> = {}, method = "GET") =>
  Effect.flatMap(HttpListener, ({ port }) =>
    Effect.callback<Answer>((resume) => {
      const sent = http.request({ port, host: "127.0.0.1", path: target, headers, method }, (response) => {
        const parts: Array<Buffer> = []
        response.on("data", (part: Buffer) => parts.push(part))
        response.on("end", () =>
          resume(
            Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) })
          )
        )
      })
      sent.on("error", (error) => resume(Effect.die(error)))
      sent.end()
    })
  )

const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" }

describe("operations", () => {
  it.effect("liveness is always ok; readiness follows starting, ready, draining and never comes back", () =>
    Effect.gen(function* () {
      const readiness = yield* Readiness
      assert.strictEqual((yield* request("/healthz")).status, 200)
      assert.strictEqual((yield* request("/readyz")).status, 503)
      readiness.advance("ready")
      assert.strictEqual((yield* request("/readyz")).status, 200)
      readiness.advance("draining")
      readiness.advance("ready")
      const draining = yield* request("/readyz")
      assert.strictEqual(draining.status, 503)
      assert.strictEqual(String(draining.body), "draining\n")
      assert.strictEqual((yield* request("/healthz")).status, 200)
    }).pipe(Effect.provide(server))
  )

  it.effect("metrics are Prometheus text", () =>
    Effect.gen(function* () {
      const answer = yield* request("/metrics")
      assert.strictEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      assert.strictEqual(
        parsePrometheus(String(answer.body)).get("sessions_active")?.samples.get("sessions_active{}"),
        0
      )
    }).pipe(Effect.provide(server))
  )

  it.effect("other methods are refused with what is allowed, where there is something; HEAD has no body", () =>
    Effect.gen(function* () {
      for (const target of ["/metrics", "/healthz", "/readyz", "/"]) {
        const answer = yield* request(target, {}, "POST")
        assert.strictEqual(answer.status, 405, target)
        assert.strictEqual(answer.headers.allow, "GET, HEAD")
        assert.deepStrictEqual(JSON.parse(String(answer.body)), { error: "method-not-allowed" })
      }
      for (const target of ["/nowhere", "/account/nope", "/s/AAPL"]) {
        const answer = yield* request(target, html, "POST")
        assert.strictEqual(answer.status, 404, target)
        assert.isUndefined(answer.headers.allow)
      }
      const head = yield* request("/", {}, "HEAD")
      assert.strictEqual(head.status, 200)
      assert.strictEqual(head.body.length, 0)
      assert.strictEqual(head.headers["content-length"], String(INDEX.length))
    }).pipe(Effect.provide(server))
  )
})

describe("the dashboard", () => {
  it.effect("index.html is revalidated, hashed assets are kept for ever", () =>
    Effect.gen(function* () {
      const index = yield* request("/", html)
      assert.strictEqual(index.status, 200)
      assert.strictEqual(index.headers["content-type"], "text/html; charset=utf-8")
      assert.strictEqual(index.headers["cache-control"], "no-cache")
      const script = yield* request("/assets/index-Dk3f9a2b.js?v=1")
      assert.strictEqual(script.headers["content-type"], "text/javascript; charset=utf-8")
      assert.strictEqual(script.headers["cache-control"], "public, max-age=31536000, immutable")
      assert.strictEqual(String(script.body), SCRIPT)
      assert.strictEqual((yield* request("/favicon.svg")).headers["content-type"], "image/svg+xml")
    }).pipe(Effect.provide(server))
  )

  it.effect("a matching tag is answered 304 without a body; another tag is not", () =>
    Effect.gen(function* () {
      const { headers } = yield* request("/", html)
      const tag = headers.etag ?? ""
      for (const held of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
        const answer = yield* request("/", { ...html, "if-none-match": held })
        assert.strictEqual(answer.status, 304, held)
        assert.strictEqual(answer.body.length, 0)
        assert.strictEqual(answer.headers.etag, tag)
      }
      assert.strictEqual((yield* request("/", { ...html, "if-none-match": '"other"' })).status, 200)
    }).pipe(Effect.provide(server))
  )

  it.effect("what was compressed at build time goes out as the client accepts it, each with its own tag", () =>
    Effect.gen(function* () {
      const target = "/assets/index-Dk3f9a2b.js"
      const plain = yield* request(target)
      const br = yield* request(target, { "accept-encoding": "gzip, deflate, br" })
      const gzip = yield* request(target, { "accept-encoding": "gzip, br;q=0" })
      assert.strictEqual(plain.headers["content-encoding"], undefined)
      assert.strictEqual(br.headers["content-encoding"], "br")
      assert.strictEqual(String(brotliDecompressSync(br.body)), SCRIPT)
      assert.strictEqual(gzip.headers["content-encoding"], "gzip")
      assert.strictEqual(String(gunzipSync(gzip.body)), SCRIPT)
      assert.strictEqual(new Set([plain, br, gzip].map(({ headers }) => headers.etag)).size, 3)
      assert.strictEqual(br.headers.vary, "accept-encoding")
    }).pipe(Effect.provide(server))
  )

  it.effect("pages of the dashboard are index.html; missing files and other askers get 404 JSON", () =>
    Effect.gen(function* () {
      for (const target of ["/s/AAPL", "/s/BRK.B"]) {
        const page = yield* request(target, html)
        assert.strictEqual(page.status, 200, target)
        assert.strictEqual(String(page.body), INDEX)
      }
      for (const [target, headers] of [
        ["/assets/gone-12345678.js", html],
        ["/s/AAPL", { accept: "application/json" }]
      ] as const) {
        const answer = yield* request(target, headers)
        assert.strictEqual(answer.status, 404, target)
        assert.deepStrictEqual(JSON.parse(String(answer.body)), { error: "not-found" })
      }
    }).pipe(Effect.provide(server))
  )

  it.effect("nothing outside the folder, no dot file, no odd path", () =>
    Effect.gen(function* () {
      for (const target of [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/assets/%00.js",
        "/%zz.js",
        "//etc/passwd.txt",
        "/.stamp",
        "/assets/index-Dk3f9a2b.js.br"
      ]) {
        const answer = yield* request(target)
        assert.strictEqual(answer.status, 404, target)
        assert.notInclude(String(answer.body), "secret", target)
      }
    }).pipe(Effect.provide(server))
  )

  it.effect("every answer carries the security headers", () =>
    Effect.gen(function* () {
      for (const target of ["/", "/metrics", "/healthz", "/nowhere.js"]) {
        const { headers } = yield* request(target)
        const policy = String(headers["content-security-policy"])
        assert.include(policy, "default-src 'self'")
        assert.include(policy, "connect-src 'self'")
        assert.include(policy, "frame-ancestors 'none'")
        assert.notInclude(policy, "unsafe-eval")
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
        assert.strictEqual(headers["referrer-policy"], "same-origin")
      }
    }).pipe(Effect.provide(server))
  )
})

describe("the opener policy", () => {
  it.effect("is sent where a browser heeds it: over TLS and on this machine", () =>
    Effect.gen(function* () {
      const policy = (headers: Record<string, string>) =>
        Effect.map(request("/", headers), (answer) => answer.headers["cross-origin-opener-policy"])
      const far = { host: "192.0.2.1:4280" }
      assert.isUndefined(yield* policy(far))
      assert.isUndefined(yield* policy({ host: "stocks.example" }))
      for (const trusted of [
        { ...far, "sec-fetch-mode": "navigate" },
        { ...far, "x-forwarded-proto": "https" },
        { host: "127.0.0.1:4280" },
        { host: "[::1]:4280" },
        { host: "localhost:4280" }
      ]) {
        assert.strictEqual(yield* policy(trusted), "same-origin", JSON.stringify(trusted))
      }
    }).pipe(Effect.provide(server))
  )
})

describe("listening", () => {
  it.effect("on a busy port fails in one line that names the port and --port", () =>
    Effect.gen(function* () {
      const { port } = yield* HttpListener
      const error = yield* Effect.flip(Effect.scoped(Layer.build(HttpListener.layer({ host: "127.0.0.1", port }))))
      assert.strictEqual(
        error.message,
        `Port ${port} on 127.0.0.1 is already in use; choose another with --port (0 = any free one).`
      )
    }).pipe(Effect.provide(server))
  )

  it.effect("ends with its Scope, though a client keeps its connection open", () =>
    Effect.gen(function* () {
      const agent = new http.Agent({ keepAlive: true })
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const listener = yield* HttpListener
          yield* Effect.promise(
            () =>
              new Promise((resolve) =>
                http.get({ port: listener.port, path: "/healthz", agent }, (r) => r.resume().on("end", resolve))
              )
          )
          return listener.port
        }).pipe(Effect.provide(server))
      )
      agent.destroy()
      // free again: someone else can have it
      yield* Effect.scoped(Layer.build(HttpListener.layer({ host: "127.0.0.1", port })))
    })
  )
})
