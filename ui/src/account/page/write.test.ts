import { Context } from "effect"
import { expect, it } from "vitest"
import { Needs } from "../../../../src/rpc/access.ts"
import { PublicRpcs } from "../../../../src/rpc/public.ts"

it("is true that a token that may write can do no more than read: when this fails, say in NewToken.tsx what it can", () => {
  const needed = Array.from(PublicRpcs.requests.values(), ({ annotations }) => Context.get(annotations, Needs))
  expect(new Set(needed)).toEqual(new Set(["read", "account"]))
})
