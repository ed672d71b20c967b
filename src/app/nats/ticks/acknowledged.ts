/** One message into a stream, until it is surely there: sent again with the same id, so that it is there once. */
import { headers, type MsgHdrs, type Payload } from "@nats-io/transport-node"
import { Duration, Effect, Schedule } from "effect"
import { ask, StreamUnavailable } from "../JetStream.ts"
import type { Nats } from "../NatsConnection.ts"

export const MESSAGE_ID = "Nats-Msg-Id"

export const headersOf = (values: Readonly<Record<string, string>>): MsgHdrs => {
  const made = headers()
  for (const [name, value] of Object.entries(values)) made.set(name, value)
  return made
}

const ACK_MILLIS = 5000

interface Ack {
  readonly seq?: unknown
  readonly error?: { readonly description?: unknown } | undefined
}

/** One try; succeeds with the sequence the message has in the stream. */
export const sendOnce = (
  nats: Nats["Service"],
  stream: string,
  message: { readonly subject: string; readonly payload: Payload; readonly headers: MsgHdrs }
): Effect.Effect<number, StreamUnavailable> =>
  Effect.flatMap(
    ask(nats, stream, async () => {
      const { headers, payload, subject } = message
      const answer: Ack | null = (
        await nats.connection.request(subject, payload, { timeout: ACK_MILLIS, headers })
      ).json()
      return answer
    }),
    (answer) => {
      // null is JSON too, whoever answered it
      const { error, seq } = answer ?? {}
      if (typeof seq === "number") return Effect.succeed(seq)
      const reason = typeof error?.description === "string" ? error.description : "not acknowledged"
      return Effect.fail(new StreamUnavailable({ stream, reason }))
    }
  )

/** 50 ms, doubling up to a second. */
export const backOff = Schedule.exponential("50 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(1))))
)
