/** The one CSV inside a zip, pulled chunk by chunk: nothing is read ahead of what is asked for but one buffer. */
import type { Readable } from "node:stream"
import { Effect, Schema, type Scope } from "effect"
import { openPromise, type ZipFile } from "yauzl"

/** The file cannot be opened, or breaks off in the middle. */
export class UnreadableZip extends Schema.TaggedError<UnreadableZip>()("UnreadableZip", {
  path: Schema.String,
  message: Schema.String
}) {}

export interface Chunks {
  /** The next bytes, or undefined at the end. One call at a time. */
  readonly next: Effect.Effect<Buffer | undefined, UnreadableZip>
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
const refuse = (path: string, cause: unknown) => new UnreadableZip({ path, message: messageOf(cause) })

const firstEntryStream = async (zip: ZipFile): Promise<Readable> => {
  for await (const entry of zip.eachEntry()) {
    if (!entry.fileName.endsWith("/")) return zip.openReadStreamPromise(entry)
  }
  throw new Error("the zip is empty")
}

/** Open files close with the Scope, read to the end or not. */
export const openZipCsv = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Chunks, UnreadableZip, Scope.Scope> {
  const zip = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => openPromise(path, { lazyEntries: true, autoClose: false }),
      catch: (cause) => refuse(path, cause)
    }),
    (open) => Effect.sync(() => open.close())
  )
  const stream = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => firstEntryStream(zip), catch: (cause) => refuse(path, cause) }),
    (open) => Effect.sync(() => open.destroy())
  )
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]()
  return {
    next: Effect.map(Effect.tryPromise({ try: () => chunks.next(), catch: (cause) => refuse(path, cause) }), (step) =>
      step.done === true ? undefined : step.value
    )
  }
})

/** The whole of a small one, for daily and minute bars. */
export const readZipCsv = (path: string): Effect.Effect<string, UnreadableZip> =>
  Effect.scoped(
    Effect.gen(function* () {
      const chunks = yield* openZipCsv(path)
      const parts: Array<Buffer> = []
      for (;;) {
        const part = yield* chunks.next
        if (part === undefined) return Buffer.concat(parts).toString("latin1")
        parts.push(part)
      }
    })
  )
