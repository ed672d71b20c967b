/** The body of an answer as text: unzipped as it comes, never more than its limit, and not waited for when nothing comes. */
import { createGunzip } from "node:zlib"
import { NodeStream } from "@effect/platform-node"
import { Effect, Stream } from "effect"
import type { HttpClientResponse } from "effect/http"
import type { SourceError } from "../../actors/companies/CompanySource.ts"
import { Again, malformed, reasonOf } from "./answers.ts"

/** A body that sends nothing for so long is given up. */
const STALL = "20 seconds"

export interface BodyLimits {
  /** For messages. */
  readonly name: string
  /** As sent, and once more as unzipped. */
  readonly maxBytes: number
  /** Told of every piece that arrives. */
  readonly arrived: (bytes: number) => void
}

/** The connection is not closed here: that is for the Scope of the request. */
export const bodyText = Effect.fnUntraced(function* (
  response: HttpClientResponse.HttpClientResponse,
  { arrived, maxBytes, name }: BodyLimits
): Effect.fn.Return<string, Again | SourceError> {
  const tooLarge = malformed(`${name} is larger than ${maxBytes} bytes, which it never was: not read.`)
  const broken = (error: unknown) =>
    new Again({ result: "malformed", message: `${name} broke off: ${reasonOf(error)}.` })
  /** Counts, and ends at the limit. */
  const limited = <E>(stream: Stream.Stream<Uint8Array, E>, count: (bytes: number) => void) => {
    let total = 0
    return stream.pipe(
      Stream.tap((piece) => {
        count(piece.length)
        total += piece.length
        return total > maxBytes ? Effect.fail(tooLarge) : Effect.void
      })
    )
  }
  const encoding = response.headers["content-encoding"]?.trim().toLowerCase() ?? "identity"
  if (encoding !== "gzip" && encoding !== "identity") {
    return yield* malformed(`${name} came in the encoding "${encoding}", which was not asked for.`)
  }
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) return yield* tooLarge

  const raw = response.stream.pipe(
    Stream.mapError(broken),
    Stream.timeoutOrElse({
      duration: STALL,
      orElse: () => Stream.fail(new Again({ result: "failed", message: `${name} stopped arriving for ${STALL}.` }))
    }),
    (stream) => limited(stream, arrived)
  )
  const plain =
    encoding === "identity"
      ? raw
      : raw.pipe(NodeStream.pipeThroughDuplex({ evaluate: () => createGunzip(), onError: broken }), (stream) =>
          limited(stream, () => {})
        )
  const pieces = yield* Stream.runCollect(plain)
  return yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces)),
    catch: () => malformed(`${name} is not text in UTF-8.`)
  })
})
