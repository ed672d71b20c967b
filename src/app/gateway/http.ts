/**
 * Plain HTTP on the listener: the dashboard's files, `/metrics`, `/healthz`, `/readyz`. The WebSocket is the gateway's.
 * Comes from: HttpListener. Goes to: staticFiles.ts, observability/metrics.ts.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { renderMetrics } from "../observability/metrics.ts"
import { isLoopback } from "./address.ts"
import { HttpListener } from "./HttpListener.ts"
import { Readiness } from "./Readiness.ts"
import { newReference } from "./reference.ts"
import { chooseEncoding, matchesTag, readStaticFiles, type StaticFile, type StaticFiles } from "./staticFiles.ts"

/** Inline styles are allowed because charts and virtual lists position with them; scripts are our own files only. */
export const securityHeaders = {
  "content-security-policy":
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()"
} as const

/** For pages that a browser trusts to be ours: of others it complains in the console that it takes no notice. */
const trustedHeaders = { ...securityHeaders, "cross-origin-opener-policy": "same-origin" } as const

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/** Over TLS, or on this machine. Browsers say what they fetch for (Sec-Fetch-…) there alone; old ones say it nowhere. */
const isTrusted = ({ headers }: Request): boolean => {
  if (headers["sec-fetch-mode"] !== undefined || headers["x-forwarded-proto"] === "https") return true
  const name = URL.parse(`http://${headers.host}`)?.hostname.replace(/^\[|\]$/g, "") ?? ""
  return name === "localhost" || isLoopback(name)
}

const pathOf = (request: Request): string => request.url.split(/[?#]/, 1)[0] ?? "/"

const problem = (status: number, error: string, headers: Record<string, string> = {}, message?: string): Response =>
  HttpServerResponse.jsonUnsafe(message === undefined ? { error } : { error, message }, { status, headers })

const isRead = ({ method }: Request): boolean => method === "GET" || method === "HEAD"
const readOnly = (request: Request, answer: () => Effect.Effect<Response>): Effect.Effect<Response> =>
  isRead(request) ? answer() : Effect.succeed(problem(405, "method-not-allowed", { allow: "GET, HEAD" }))

// ---- health --------------------------------------------------------------------------------------------------------

const operations = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const readiness = yield* Readiness
    const metrics = yield* renderMetrics
    const uncached = { "cache-control": "no-store" }

    yield* router.add("*", "/healthz", (request) =>
      // liveness is that this line runs: the event loop turns, nothing else is asked
      readOnly(request, () => Effect.succeed(HttpServerResponse.text("ok\n", { headers: uncached })))
    )
    yield* router.add("*", "/readyz", (request) =>
      readOnly(request, () => {
        const phase = readiness.phase()
        const status = phase === "ready" ? 200 : 503
        return Effect.succeed(HttpServerResponse.text(`${phase}\n`, { status, headers: uncached }))
      })
    )
    yield* router.add("*", "/metrics", (request) =>
      readOnly(request, () =>
        Effect.map(metrics, (text) =>
          HttpServerResponse.text(text, {
            contentType: "text/plain; version=0.0.4; charset=utf-8",
            headers: uncached
          })
        )
      )
    )
  })
)

// ---- dashboard -----------------------------------------------------------------------------------------------------

const fileResponse = (request: Request, file: StaticFile): Response => {
  const encoding = chooseEncoding(file, request.headers["accept-encoding"])
  const headers: Record<string, string> = {
    "cache-control": file.cacheControl,
    etag: file.etag[encoding],
    vary: "accept-encoding"
  }
  if (matchesTag(request.headers["if-none-match"], file.etag[encoding])) {
    return HttpServerResponse.empty({ status: 304, headers })
  }
  if (encoding !== "identity") headers["content-encoding"] = encoding
  return HttpServerResponse.uint8Array(file.bytes[encoding] ?? file.bytes.identity, {
    contentType: file.contentType,
    headers
  })
}

/** The file of that path; a page of the dashboard (a path without an extension, asked for as HTML) is index.html. */
const findFile = (files: StaticFiles, request: Request): StaticFile | undefined => {
  const url = pathOf(request)
  // symbols may hold a dot (/s/BRK.B): what tells a page from a file is its folder and what the browser asks for
  const isPage = !url.startsWith("/assets/") && (request.headers.accept ?? "").includes("text/html")
  return files.get(url) ?? (isPage ? files.get("/") : undefined)
}

const dashboard = (folder: string) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const router = yield* HttpRouter.HttpRouter
      const files = yield* readStaticFiles(folder)
      if (!files.has("/")) yield* Effect.logWarning("The dashboard is not built: npm run build", { folder })
      yield* router.add("*", "/*", (request) => {
        // what is not there has no methods: only of a file it is said which it has
        if (!isRead(request) && !files.has(pathOf(request))) return Effect.succeed(problem(404, "not-found"))
        return readOnly(request, () => {
          const file = findFile(files, request)
          return Effect.succeed(file === undefined ? problem(404, "not-found") : fileResponse(request, file))
        })
      })
    })
  )

// --------------------------------------------------------------------------------------------------------------------

/** Answers the listener's requests for as long as the Scope is open. `uiFolder` is the built dashboard (dist/ui); none: only what operators ask. */
export const layerHttp = <R = never>(options: {
  readonly uiFolder?: string | undefined
  /** More routes. */
  readonly routes?: Layer.Layer<never, never, R | HttpRouter.HttpRouter> | undefined
}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { server } = yield* HttpListener
      const parts = Layer.mergeAll(operations, options.routes ?? Layer.empty)
      const routes = yield* HttpRouter.toHttpEffect(
        options.uiFolder === undefined ? parts : Layer.mergeAll(parts, dashboard(options.uiFolder))
      )
      const app = routes.pipe(
        // what the router cannot place, such as a malformed percent escape
        Effect.catch(() => Effect.succeed(problem(404, "not-found"))),
        Effect.catchDefect((defect) => {
          const reference = newReference()
          return Effect.as(
            Effect.logError("An HTTP request failed", { reference, defect }),
            problem(500, "internal", {}, `The server failed on this request; its log has more under ${reference}`)
          )
        }),
        Effect.flatMap((response) =>
          Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
            HttpServerResponse.setHeaders(response, isTrusted(request) ? trustedHeaders : securityHeaders)
          )
        )
      )
      const scope = yield* Effect.scope
      const handler = yield* NodeHttpServer.makeHandler(app, { scope })
      yield* Effect.acquireRelease(
        Effect.sync(() => server.on("request", handler)),
        () => Effect.sync(() => server.off("request", handler))
      )
    })
  )
