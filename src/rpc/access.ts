/** Who asks, and what they must be allowed to: said by each RPC, checked by one middleware before any handler runs. */
import { Context, Schema } from "effect"
import { RpcMiddleware } from "effect/rpc"

/** Each includes the ones before it. account: what only a person who has signed in may do, such as making tokens. */
export const Access = Schema.Literals(["read", "write", "account"])
export type Access = typeof Access.Type

const ranks: Readonly<Record<Access, number>> = { read: 1, write: 2, account: 3 }
export const includes = (has: Access, needed: Access): boolean => ranks[has] >= ranks[needed]

/** Whom a connection belongs to. */
export interface Principal {
  /** "local": the one investor of a server that only its own machine can reach. "operator": showed the operator's token. */
  readonly via: "cookie" | "token" | "local" | "operator"
  /** The investor's id; of an operator "operator", which is nobody's. */
  readonly investor: string
  readonly access: Access
  /** The sign-in or the token it stands on: gone with it. Null: there is nothing to end. */
  readonly grant: string | null
  /** Since when there has been that, ms since epoch; null with it. */
  readonly since: number | null
  /** ms since epoch; null: never. */
  readonly expiresAt: number | null
}

/** The connection has not said whose it is, or that is no longer so: sign in, or show a token. */
export class NotSignedIn extends Schema.TaggedError<NotSignedIn>()("NotSignedIn", { message: Schema.String }) {}

/** Signed in, but not allowed to do this; `message` says what is needed. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  needs: Access,
  message: Schema.String
}) {}

/** What an RPC needs. Who forgets to say so has said "account", the most there is. */
export const Needs: Context.Reference<Access> = Context.Reference("lzstock/rpc/Needs", {
  defaultValue: (): Access => "account"
})

/** The principal of the connection that asks. */
export class Caller extends Context.Service<Caller, Principal>()("lzstock/rpc/Caller") {}

/** Nothing is answered before it has let the request through. */
export class Authorised extends RpcMiddleware.Service<Authorised, { provides: Caller }>()("lzstock/rpc/Authorised", {
  error: Schema.Union([NotSignedIn, Forbidden])
}) {}

/** Besides: the request's `operator` is the operator's token. */
export class NotAllowed extends Schema.TaggedError<NotAllowed>()("NotAllowed", { message: Schema.String }) {}
export class OperatorOnly extends RpcMiddleware.Service<OperatorOnly>()("lzstock/rpc/OperatorOnly", {
  error: NotAllowed
}) {}
