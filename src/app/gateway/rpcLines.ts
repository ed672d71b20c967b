/** Effect RPC messages as JSON lines: what comes in, checked in shape; what goes out, without our internals. */

import { Predicate, Schema } from "effect"
import type { FromClientEncoded, FromServerEncoded } from "effect/rpc/RpcMessage"

/** Repeated in every chunk, so kept short. */
const Id = Schema.Union([Schema.String.check(Schema.isMaxLength(64)), Schema.Int])
const FromClient = Schema.Union([
  Schema.TaggedStruct("Request", {
    id: Id,
    tag: Schema.String,
    payload: Schema.Unknown,
    headers: Schema.Array(Schema.mutable(Schema.Tuple([Schema.String, Schema.String]))),
    traceId: Schema.optionalKey(Schema.String),
    spanId: Schema.optionalKey(Schema.String),
    sampled: Schema.optionalKey(Schema.Boolean)
  }),
  Schema.TaggedStruct("Interrupt", { requestId: Id }),
  Schema.TaggedStruct("Ping", {}),
  Schema.TaggedStruct("Eof", {})
])
const isFromClient = Schema.is(FromClient)

/** A stock client acknowledges every chunk; our flow control is by bytes, so that is dropped unread. */
const ACK_PREFIX = '{"_tag":"Ack"'

export interface RpcLines {
  readonly messages: ReadonlyArray<FromClientEncoded>
  /** Whole lines that say nothing to us: empty ones, acknowledgements. */
  readonly skipped: number
  /** What is not a whole line yet. */
  readonly rest: string
}

/** Undefined when a line is no RPC message. */
export const decodeRpcLines = (text: string): RpcLines | undefined => {
  const messages: Array<FromClientEncoded> = []
  let skipped = 0
  let start = 0
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
    const line = text.slice(start, end)
    start = end + 1
    if (line.length === 0 || line.startsWith(ACK_PREFIX)) {
      skipped++
      continue
    }
    const message = parse(line)
    if (message === undefined) return undefined
    messages.push(message)
  }
  return { messages, skipped, rest: text.slice(start) }
}

const parse = (line: string): FromClientEncoded | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return isFromClient(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** `reference` also stands in the log, beside the whole truth. */
const internal = (reference: string) => ({
  name: "InternalError",
  message: `The server failed on this request; its log has more under ${reference}`
})

type Reason = Extract<
  Extract<FromServerEncoded, { readonly _tag: "Exit" }>["exit"],
  { readonly _tag: "Failure" }
>["cause"][number]

const isOurs = (reason: Reason): boolean => reason._tag === "Die" && !Predicate.isString(reason.defect)

/** Whether it tells of a failure of ours, in words that are not for clients. */
export const hasInternals = (response: FromServerEncoded): boolean =>
  response._tag === "Exit"
    ? response.exit._tag === "Failure" && response.exit.cause.some(isOurs)
    : response._tag === "Defect" && !Predicate.isString(response.defect)

/**
 * A defect that reaches a client holds no stack and no message of ours (S7). A text is kept: RPC itself says that way
 * what is wrong with a request ("Unknown request tag", a payload that does not fit its schema).
 */
export const withoutInternals = (response: FromServerEncoded, reference: string): FromServerEncoded => {
  if (!hasInternals(response)) return response
  if (response._tag === "Defect") return { ...response, defect: internal(reference) }
  if (response._tag !== "Exit" || response.exit._tag === "Success") return response
  const cause = response.exit.cause.map((reason) =>
    isOurs(reason) ? { _tag: "Die" as const, defect: internal(reference) } : reason
  )
  return { ...response, exit: { _tag: "Failure", cause } }
}
