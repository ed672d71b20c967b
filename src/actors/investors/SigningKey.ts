/** The key that tickets are signed with: one for all gateways of a database, made by whoever needs it first. Port; app/postgres/SigningKeySql.ts. */
import { Context } from "effect"

export class SigningKey extends Context.Service<SigningKey, { readonly key: Uint8Array }>()(
  "lzstock/actors/investors/SigningKey"
) {}
