/**
 * Who may do what changes things for everybody: whoever shows the operator's token. It is the one of the settings; where there is
 * none, a random one in the data folder, readable only by who runs the server.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { link, readFile, rm, writeFile } from "node:fs/promises"
import path from "node:path"
import { Clock, Context, Effect, Layer, Redacted, Schema } from "effect"
import { AttemptBuckets } from "../../actors/investors/Attempts.ts"
import { NotAllowed } from "../../rpc/access.ts"
import { tryAgainIn } from "../../rpc/sessions.ts"
import { TOKEN_FILE } from "./operatorToken.ts"

/** The token cannot be kept; `message` says where and why. */
export class OperatorTokenError extends Schema.TaggedError<OperatorTokenError>()("OperatorTokenError", {
  message: Schema.String
}) {}

/** Of the same length whatever was said, so that the comparison tells nothing. */
const digest = (token: string): Buffer => createHash("sha256").update(token).digest()

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code

/** Wrong ones from one address, at once, and one more each 3 s. */
const WRONG = { burst: 20, everyMillis: 3_000 }
/** As the settings demand of theirs: an empty file must not make everybody an operator. */
const SHORTEST = 16

/** Written once, and whole before it is there: two processes that start in one folder at the same time get the same. */
const tokenIn = async (folder: string): Promise<string> => {
  const file = path.join(folder, TOKEN_FILE)
  const kept = async () => (await readFile(file, "utf8")).trim()
  const made = async () => {
    const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`
    await writeFile(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" })
    await link(draft, file)
      .catch((error: unknown) => {
        if (!hasCode(error, "EEXIST")) throw error
      })
      .finally(() => rm(draft))
    return kept()
  }
  const token = await kept().catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return made()
    throw error
  })
  if (token.length < SHORTEST) throw new Error(`${TOKEN_FILE} holds no token: delete it, and start again`)
  return token
}

export interface OperatorOptions {
  readonly token: Redacted.Redacted<string> | undefined
  readonly dataDir: string
}

export class Operator extends Context.Service<
  Operator,
  {
    /** Wrong ones from one address are counted: beyond 20 none is looked at for some seconds. */
    readonly check: (token: string, address: string) => Effect.Effect<void, NotAllowed>
  }
>()("lzstock/app/gateway/Operator") {
  static readonly layer = ({ dataDir, token }: OperatorOptions): Layer.Layer<Operator, OperatorTokenError> =>
    Layer.effect(
      Operator,
      Effect.gen(function* () {
        const expected = digest(
          token === undefined
            ? yield* Effect.tryPromise({
                try: () => tokenIn(dataDir),
                catch: (error) =>
                  new OperatorTokenError({
                    message: `The operator's token cannot be kept in ${dataDir}: ${error instanceof Error ? error.message : String(error)}`
                  })
              })
            : Redacted.value(token)
        )
        const wrong = new AttemptBuckets()
        return Operator.of({
          check: Effect.fnUntraced(function* (said, address) {
            const now = yield* Clock.currentTimeMillis
            const wait = wrong.wait(address, WRONG, now)
            if (wait > 0) {
              return yield* new NotAllowed({
                message: `Too many wrong operator's tokens: ${tryAgainIn(wait)}`
              })
            }
            if (timingSafeEqual(digest(said), expected)) return
            wrong.take(address, WRONG, now)
            yield* Effect.logWarning("A wrong operator's token was shown", { address })
            return yield* new NotAllowed({
              message: `The token is not the operator's: LZSTOCK_OPERATOR_TOKEN of the server has it, or the file ${TOKEN_FILE} in the server's data folder`
            })
          })
        })
      })
    )
}
