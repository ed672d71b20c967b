/** Accounts: who has signed up, and the hash of their password. Port; the adapter is app/postgres/AccountsSql.ts. */
import { Context, type Effect } from "effect"
import type { DomainEvent } from "../../rpc/events.ts"
import type { EmailTaken } from "../../rpc/investors.ts"

export interface Account {
  readonly id: string
  /** As `normaliseEmail` writes it. Null: the local investor, who signs in to nothing. */
  readonly email: string | null
  /** In PHC form; null: the local investor. */
  readonly passwordHash: string | null
  /** ms since epoch, both; null: not banned. */
  readonly createdAt: number
  readonly bannedAt: number | null
  /** Browsers that signed in before are signed out, whatever a store still says of them. 0: there was no such time. */
  readonly signedOutBefore: number
}

export class Accounts extends Context.Service<
  Accounts,
  {
    /** With the event in the outbox, in one transaction. Of two at once with one e-mail address one is there, and one fails. */
    readonly create: (account: Account, event: DomainEvent) => Effect.Effect<void, EmailTaken>
    /** The account of that id, made if there is none yet, without an event: the local investor. */
    readonly ensure: (account: Account) => Effect.Effect<Account>
    readonly byEmail: (email: string) => Effect.Effect<Account | undefined>
    readonly byId: (id: string) => Effect.Effect<Account | undefined>
    /** False, and nothing is changed, if the hash is no longer `from`. */
    readonly changePassword: (
      id: string,
      from: string,
      to: string,
      /** Null: browsers stay signed in. */
      signedOutBefore: number | null
    ) => Effect.Effect<boolean>
    /** Whatever the hash was. False: there is none. */
    readonly setPassword: (id: string, to: string, signedOutBefore: number) => Effect.Effect<boolean>
    readonly signOutBefore: (id: string, at: number) => Effect.Effect<void>
    /** Of these ids those that are there and not banned, with `signedOutBefore`. */
    readonly standing: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, number>>
    /** With it browsers are signed out. Null: not banned any more. False: there is none. */
    readonly setBanned: (id: string, at: number | null) => Effect.Effect<boolean>
    /** With its tokens and audit details, and with the event in the outbox, in one transaction. False: there is none. */
    readonly remove: (id: string, event: DomainEvent) => Effect.Effect<boolean>
  }
>()("lzstock/actors/investors/Accounts") {}
