/** The key of tickets in the table `signing_keys`: of several gateways that make one at once, one's is kept, and read by all. */
import { randomBytes } from "node:crypto"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { SigningKey } from "../../actors/investors/SigningKey.ts"
import { whenAway } from "./Database.ts"

const KEY_BYTES = 32
const PURPOSE = "tickets"

const layer: Layer.Layer<SigningKey, never, SqlClient.SqlClient> = Layer.effect(
  SigningKey,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const made = new Uint8Array(randomBytes(KEY_BYTES))
    yield* sql`INSERT INTO signing_keys (purpose, key) VALUES (${PURPOSE}, ${made}) ON CONFLICT (purpose) DO NOTHING`
    const [kept] = yield* sql<{ readonly key: Uint8Array }>`SELECT key FROM signing_keys WHERE purpose = ${PURPOSE}`
    // copied: a view would keep all that arrived with it
    if (kept?.key.length === KEY_BYTES) return SigningKey.of({ key: Uint8Array.from(kept.key) })
    return yield* Effect.die(new Error(`signing_keys has no key of ${KEY_BYTES} bytes for ${PURPOSE}`))
  }).pipe(whenAway)
)

export const SigningKeySql = { layer }
