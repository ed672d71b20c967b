/** API tokens: what programs show. Only the hash of a secret is kept. Port; the adapter is app/postgres/ApiTokensSql.ts. */
import { Context, type Effect } from "effect"
import type { NotSignedIn } from "../../rpc/access.ts"
import type { ApiToken } from "../../rpc/investors.ts"

export interface StoredToken extends ApiToken {
  readonly investor: string
  /** SHA-256 of the secret, which is random: 32 bytes. */
  readonly secretHash: Uint8Array
}

export class ApiTokens extends Context.Service<
  ApiTokens,
  {
    /**
     * False, and nothing is kept, if the investor has `most` already that have not expired at `token.createdAt`. Fails if who asks
     * has been signed out or banned meanwhile: `since` is when they signed in; null: the local investor.
     */
    readonly create: (token: StoredToken, most: number, since: number | null) => Effect.Effect<boolean, NotSignedIn>
    /** The newest first; expired ones until 30 days after, when they are deleted (by whoever lists or creates). `now`: ms since epoch. */
    readonly list: (investor: string, now: number) => Effect.Effect<ReadonlyArray<ApiToken>>
    /** Expired or not. */
    readonly find: (id: string) => Effect.Effect<StoredToken | undefined>
    /** False: the investor has no such token. */
    readonly revoke: (investor: string, id: string) => Effect.Effect<boolean>
    /** Their ids. */
    readonly revokeAll: (investor: string) => Effect.Effect<ReadonlyArray<string>>
    /** Notes that they were in use at `now`; answers which of them are there and have not expired. */
    readonly used: (ids: ReadonlyArray<string>, now: number) => Effect.Effect<ReadonlySet<string>>
  }
>()("lzstock/actors/investors/ApiTokens") {}
