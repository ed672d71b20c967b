/** What an owner says on `<prefix>.settled.<shard>`, at most once a second and shard; a lost one is said again. */
import { Schema } from "effect"

export interface Settled {
  /** Which stream (TickStream.ensure), and generation. */
  readonly stream: string
  readonly seq: number
}

/**
 * A NATS whose machine fails loses what it had not written through: the same stream, whose sequences go back and are given
 * again to other messages. Positions from before it mean nothing then. So whoever finds the stream's last sequence below the
 * position it reads from names the stream anew: with a generation behind a "#", one more than in that position. The ledger,
 * which lets no position of one stream go back, takes it for another stream. Each shard counts its own generations, in its
 * position, and they change only then.
 */
const GENERATION = "#"

/** Whether a position's stream is the one of this identity (TickStream.ensure), in whichever generation. */
export const isOf = (stream: string, identity: string): boolean =>
  stream === identity || stream.startsWith(identity + GENERATION)

/** The stream after it has lost its end; `stream` is of the identity. */
export const nextGeneration = (stream: string, identity: string): string =>
  `${identity}${GENERATION}${1 + Number(stream.slice(identity.length + GENERATION.length))}`

const isSettled = Schema.is(Schema.Struct({ stream: Schema.String, seq: Schema.Int }))
const utf8 = new TextDecoder()

export const settledText = ({ seq, stream }: Settled): string => JSON.stringify({ stream, seq })

/** Undefined for anything else that somebody said there. */
export const decodeSettled = (bytes: Uint8Array): Settled | undefined => {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    return isSettled(value) ? value : undefined
  } catch {
    return undefined
  }
}
