/** Who owns what, as the nodes of clusterNodes.ts answer. */
import { assert } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import type { ClusterNode, Owner } from "./clusterNodes.ts"

export const ids = Array.from({ length: 40 }, (_, index) => `S${index}`)

export const ask = (from: ClusterNode, id: string) =>
  from.probe(id).Owner().pipe(Effect.timeout("10 seconds"), Effect.orDie)

export const askAll = (from: ClusterNode) =>
  Effect.map(
    Effect.forEach(ids, (id) => ask(from, id), { concurrency: "unbounded" }),
    (owners) => new Map(ids.map((id, index) => [id, owners[index]]))
  )

/** Asked until every given node owns something and everybody gives the same answer. */
export const agreed = (from: ReadonlyArray<ClusterNode>, owners: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const [first, ...others] = yield* Effect.all(from.map(askAll), { concurrency: "unbounded" })
    if (first === undefined) return undefined
    const seen = new Set([...first.values()].map((owner) => owner?.node))
    const complete = owners.length === seen.size && owners.every((name) => seen.has(name))
    const alike = others.every((other) => ids.every((id) => other.get(id)?.start === first.get(id)?.start))
    return complete && alike ? first : undefined
  }).pipe(
    Effect.repeat({ schedule: Schedule.spaced(50), until: (answer) => answer !== undefined }),
    Effect.map((answer) => answer ?? new Map<string, Owner | undefined>())
  )

export const ownedBy = (owners: ReadonlyMap<string, Owner | undefined>, node: string): string =>
  ids.find((id) => owners.get(id)?.node === node) ?? assert.fail(`${node} owns nothing`)
