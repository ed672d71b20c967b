/**
 * What connections stand on: browsers that are signed in, and tokens in use. May be forgotten by its store, then one signs in again;
 * never remembered longer than it should be. Port; adapters: app/redis/RedisSignIns.ts, app/postgres/SignInsSql.ts.
 */
import { Context, type Effect } from "effect"
import type { Unavailable } from "../../rpc/market.ts"

export interface StoredSignIn {
  /** Random; of a token its id. */
  readonly id: string
  readonly kind: "browser" | "token"
  readonly investor: string
  /** SHA-256 of the cookie's secret, which is random: 32 bytes. Of a token nothing: its hash stands with the token. */
  readonly secretHash: Uint8Array
  /** ms since epoch, all four. */
  readonly createdAt: number
  readonly lastSeenAt: number
  /** When it ends unless seen before. Never after `endsAt`. */
  readonly expiresAt: number
  readonly endsAt: number
  /** As the browser called itself, 256 characters at most. */
  readonly userAgent: string
  readonly address: string
}

/** Of one investor. Of tokens there are no more than tokens. */
export const MOST_BROWSERS = 100

export class SignIns extends Context.Service<
  SignIns,
  {
    /**
     * In place of one of the same id. Of an investor's browsers beyond MOST_BROWSERS those not seen for longest end, never the one
     * that is put. Of puts at the same moment a few may stay beyond, until the next.
     */
    readonly put: (signIn: StoredSignIn) => Effect.Effect<void, Unavailable>
    /** Undefined: there is none, or it has expired at `now`. */
    readonly find: (id: string, now: number) => Effect.Effect<StoredSignIn | undefined, Unavailable>
    /** Browsers, the one seen last first. */
    readonly list: (investor: string, now: number) => Effect.Effect<ReadonlyArray<StoredSignIn>, Unavailable>
    /** False: the investor has no such one. */
    readonly end: (investor: string, id: string) => Effect.Effect<boolean, Unavailable>
    /** All of an investor's; their ids. Without `tokens` those of tokens stay. */
    readonly endAll: (
      investor: string,
      options: { readonly tokens: boolean }
    ) => Effect.Effect<ReadonlyArray<string>, Unavailable>
    /** Seen at `now`: they expire at `now + idleMillis` or `endsAt`, if that is later than so far. Answers which are still there. */
    readonly seen: (
      ids: ReadonlyArray<string>,
      now: number,
      idleMillis: number
    ) => Effect.Effect<ReadonlySet<string>, Unavailable>
    /**
     * Takes a ticket that stands on `signIn`: "good" once, however many nodes are shown it at the same time; "ended": the sign-in is
     * no more. One round trip to the store. What was taken is remembered until `ticketExpiresAt`.
     */
    readonly redeem: (ticket: {
      readonly nonce: string
      readonly signIn: string
      readonly ticketExpiresAt: number
      readonly now: number
    }) => Effect.Effect<"good" | "used" | "ended", Unavailable>
  }
>()("lzstock/actors/investors/SignIns") {}
