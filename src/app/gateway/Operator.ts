/**
 * Who may do what changes things for everybody: whoever shows the operator's token. It is the one of the settings; where there is
 * none, a random one in the data folder, readable only by who runs the server.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import path from "node:path"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { NotAllowed } from "../../rpc/companies.ts"
import { TOKEN_FILE } from "./operatorToken.ts"

/** The token cannot be kept; `message` says where and why. */
export class OperatorTokenError extends Schema.TaggedError<OperatorTokenError>()("OperatorTokenError", {
  message: Schema.String
}) {}

/** Of the same length whatever was said, so that the comparison tells nothing. */
const digest = (token: string): Buffer => createHash("sha256").update(token).digest()

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT"

/** Written once; two processes that start in one folder at the same time get the same. */
const tokenIn = async (folder: string): Promise<string> => {
  const file = path.join(folder, TOKEN_FILE)
  const kept = async () => (await readFile(file, "utf8")).trim()
  const token = await kept().catch((error: unknown) => {
    if (isMissing(error)) return ""
    throw error
  })
  if (token !== "") return token
  await writeFile(file, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" }).catch(
    () => undefined
  )
  return kept()
}

export interface OperatorOptions {
  readonly token: Redacted.Redacted<string> | undefined
  readonly dataDir: string
}

export class Operator extends Context.Service<
  Operator,
  { readonly check: (token: string) => Effect.Effect<void, NotAllowed> }
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
        return Operator.of({
          check: (said) =>
            timingSafeEqual(digest(said), expected)
              ? Effect.void
              : Effect.fail(
                  new NotAllowed({
                    message: `This takes the operator's token: LZSTOCK_OPERATOR_TOKEN, or the file ${TOKEN_FILE} in the server's data folder`
                  })
                )
        })
      })
    )
}
