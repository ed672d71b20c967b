/**
 * The one way this process asks the SEC (EDGAR): says who asks, keeps to its pace, pauses when told to, tries again what may
 * get better. Comes from: adapters that read the SEC. Goes to: www.sec.gov and data.sec.gov, or the mirror that stands for both.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Clock, Context, type Duration, Effect, Exit, Layer, Schedule, Schema, type Scope, Semaphore } from "effect"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { SourceError } from "../../actors/companies/CompanySource.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import {
  AGAIN_AFTER_MILLIS,
  Again,
  BLOCKED_MILLIS,
  firstLine,
  inWords,
  malformed,
  reasonOf,
  retryAfterMillis
} from "./answers.ts"
import { bodyText } from "./bodyText.ts"
import { LONGEST_WAIT_MILLIS, SecPace } from "./SecPace.ts"

/** As the SEC has it, whether or not a mirror is asked. */
export type SecUrl = `https://${"www" | "data"}.sec.gov/${string}`

export interface SecClientOptions {
  /** Name and e-mail address of who asks; undefined: nobody does, every call fails with `off`. */
  readonly userAgent: string | undefined
  /** Base URL of what stands for both hosts; undefined: the SEC's own. */
  readonly url?: string | undefined
  readonly requestsPerSecond: number
  /** Before the second attempt, twice as long before each other; 1 second if absent. */
  readonly backOff?: Duration.Input | undefined
}

/** What leaves evenly does not arrive so, and the SEC counts arrivals. */
const LEEWAY = 1.1

export interface Reading<A> {
  readonly maxBytes: number
  readonly schema: Schema.Decoder<A>
}

export class SecClient extends Context.Service<
  SecClient,
  {
    /** False: nobody said for whom to ask. */
    readonly isOn: boolean
    /** A JSON file, decoded; null: there is none (404). Interruption closes its connection. */
    readonly get: <A>(url: SecUrl, reading: Reading<A>) => Effect.Effect<A | null, SourceError>
  }
>()("lzstock/app/edgar/SecClient") {
  /** All that read the SEC share it: its pace is the process's. */
  static readonly layer = (options: SecClientOptions): Layer.Layer<SecClient, never, Gauges> =>
    Layer.effect(SecClient, make(options)).pipe(
      Layer.provide(
        NodeHttpClient.layerUndiciOptions({
          connections: CONCURRENCY,
          pipelining: 1,
          allowH2: false,
          connect: { timeout: CONNECT_MILLIS }
        })
      )
    )
}

const CONCURRENCY = 2
const CONNECT_MILLIS = 10_000
const HEADERS_DEADLINE = "10 seconds"
const DEADLINE = "2 minutes"
const RETRIES = 3
const MAX_REDIRECTS = 3
const SEC_HOST = /^https:\/\/(?:www|data)\.sec\.gov(?=\/)/

const off = new SourceError({
  kind: "off",
  message: 'The SEC wants to know who asks: set LZSTOCK_SEC_USER_AGENT="Your Name you@example.com".',
  retryAfterMillis: 0
})

type Answer<A> = { readonly _tag: "Read"; readonly value: A | null } | { readonly _tag: "Moved"; readonly to: URL }

const resultOf = (exit: Exit.Exit<Answer<unknown>, Again | SourceError>): string => {
  if (Exit.isSuccess(exit)) {
    if (exit.value._tag === "Moved") return "moved"
    return exit.value.value === null ? "missing" : "ok"
  }
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error
  if (failure === undefined) return "interrupted"
  return failure._tag === "Again" ? failure.result : failure.kind
}

/** What clients may be told of an address: a mirror's is nobody's business. */
export const nameOf = (url: URL): string => `The SEC's ${url.pathname}`

const make = Effect.fnUntraced(function* (options: SecClientOptions) {
  const gauges = yield* Gauges
  const http = HttpClient.withScope(yield* HttpClient.HttpClient)
  const pace = new SecPace(options.requestsPerSecond / LEEWAY)
  const slots = yield* Semaphore.make(CONCURRENCY)
  const userAgent = options.userAgent?.trim()
  const mirror = options.url?.replace(/\/+$/, "")
  const headers = { "user-agent": userAgent, accept: "application/json", "accept-encoding": "gzip" }
  const backOff = Schedule.exponential(options.backOff ?? "1 second").pipe(Schedule.jittered)

  const urlOf = (url: SecUrl): URL => new URL(mirror === undefined ? url : url.replace(SEC_HOST, () => mirror))
  const isAllowed = (url: URL): boolean =>
    mirror === undefined ? SEC_HOST.test(url.href) : url.origin === new URL(mirror).origin

  const pause = Effect.fnUntraced(function* (millis: number, kind: "busy" | "refused", message: string) {
    yield* pace.pause(millis, { kind, message })
    if (millis > 0) {
      const seconds = Math.ceil(millis / 1_000)
      yield* Effect.logWarning("The SEC is not asked for a while", { reason: message, seconds })
    }
    return new SourceError({ kind, message, retryAfterMillis: Math.ceil(millis) })
  })

  /** Its status told to stop, to wait or to look elsewhere; undefined: there is a body to read. */
  const judge = Effect.fnUntraced(function* (
    url: URL,
    { headers, status }: HttpClientResponse.HttpClientResponse
  ): Effect.fn.Return<Answer<never> | undefined, Again | SourceError> {
    if (status === 200) return undefined
    if (status === 404) return { _tag: "Read", value: null }
    if (status === 403) {
      return yield* yield* pause(
        BLOCKED_MILLIS,
        "refused",
        "The SEC refuses to answer (403): it wants a LZSTOCK_SEC_USER_AGENT with a name and an e-mail address, or has blocked this address for about 10 minutes because it was asked too often."
      )
    }
    const told = retryAfterMillis(headers["retry-after"], yield* Clock.currentTimeMillis)
    if (status === 429 || (status === 503 && told !== null)) {
      const millis = told ?? BLOCKED_MILLIS
      const message = `The SEC is busy or was asked too often (${status}): it wants a pause of ${inWords(millis)}.`
      const busy = yield* pause(millis, "busy", message)
      return yield* millis > LONGEST_WAIT_MILLIS ? busy : new Again({ result: "busy", message })
    }
    if (status >= 500) return yield* new Again({ result: "failed", message: `${nameOf(url)} answers ${status}.` })
    const location = headers.location
    if ([301, 302, 303, 307, 308].includes(status) && location !== undefined && URL.canParse(location, url)) {
      const to = new URL(location, url)
      if (isAllowed(to)) return { _tag: "Moved", to }
      return yield* malformed(`${nameOf(url)} leads to ${to.host}, which is not the SEC: not followed.`)
    }
    return yield* malformed(`${nameOf(url)} answers ${status}, which was not to be expected.`)
  })

  const read = Effect.fnUntraced(function* <A>(
    url: URL,
    { maxBytes, schema }: Reading<A>
  ): Effect.fn.Return<Answer<A>, Again | SourceError, Scope.Scope> {
    yield* gauges.track("sec_requests_active")
    const response = yield* http.execute(HttpClientRequest.get(url, { headers })).pipe(
      Effect.mapError(
        ({ reason }) => new Again({ result: "failed", message: `The SEC does not answer: ${reasonOf(reason)}.` })
      ),
      Effect.timeoutOrElse({
        duration: HEADERS_DEADLINE,
        orElse: () => new Again({ result: "failed", message: `The SEC does not answer within ${HEADERS_DEADLINE}.` })
      })
    )
    const judged = yield* judge(url, response)
    if (judged !== undefined) return judged
    const arrived = (bytes: number) => gauges.add("sec_bytes_total", bytes)
    const text = yield* bodyText(response, { name: nameOf(url), maxBytes, arrived })
    const json = yield* Effect.try({
      try: (): unknown => JSON.parse(text),
      // it may have been cut short without anybody saying so
      catch: () => new Again({ result: "malformed", message: `${nameOf(url)} is not JSON, or not all of it came.` })
    })
    const value = yield* Schema.decodeUnknownEffect(schema)(json).pipe(
      Effect.mapError(({ message }) => malformed(`${nameOf(url)} is not of the shape it had: ${firstLine(message)}.`))
    )
    return { _tag: "Read", value }
  })

  const ask = <A>(url: URL, reading: Reading<A>): Effect.Effect<Answer<A>, Again | SourceError> =>
    read(url, reading).pipe(
      Effect.scoped,
      Effect.timeoutOrElse({
        duration: DEADLINE,
        orElse: () => new Again({ result: "failed", message: `${nameOf(url)} did not come within ${DEADLINE}.` })
      }),
      Effect.onExit((exit) => Effect.sync(() => gauges.add("sec_requests_total", 1, `result="${resultOf(exit)}"`)))
    )

  const attempt = Effect.fnUntraced(function* <A>(
    from: URL,
    reading: Reading<A>
  ): Effect.fn.Return<A | null, Again | SourceError> {
    let url = from
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      yield* pace.turn
      const answer: Answer<A> = yield* ask(url, reading)
      if (answer._tag === "Read") return answer.value
      url = answer.to
    }
    return yield* malformed(`${nameOf(from)} leads from one address to another, more than ${MAX_REDIRECTS} times.`)
  })

  const giveUp = ({ message, result }: Again) =>
    Effect.flatMap(
      pace.paused,
      (paused) =>
        new SourceError({
          kind: result === "malformed" ? "malformed" : "busy",
          message: `${message} Tried ${RETRIES + 1} times.`,
          retryAfterMillis: Math.max(paused, AGAIN_AFTER_MILLIS)
        })
    )

  return SecClient.of({
    isOn: userAgent !== undefined,
    get: Effect.fn("SecClient.get")(function* (url, reading) {
      if (userAgent === undefined) return yield* off
      return yield* slots.withPermit(attempt(urlOf(url), reading)).pipe(
        Effect.retry({ schedule: backOff, times: RETRIES, while: ({ _tag }) => _tag === "Again" }),
        Effect.catchTag("Again", giveUp),
        // its headers are for tracers of our own
        Effect.provideService(HttpClient.TracerPropagationEnabled, false)
      )
    })
  })
})
