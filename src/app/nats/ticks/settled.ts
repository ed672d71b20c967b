/** What an owner says on `<prefix>.settled.<shard>`, at most once a second and shard; a lost one is said again. */
import { Schema } from "effect"

export interface Settled {
  /** Which stream (TickStream.ensure). */
  readonly stream: string
  readonly seq: number
}

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
