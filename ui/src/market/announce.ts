/** What is said of a reconnection, in one polite line. Pure. */
import type { Resumed } from "../../../src/rpc/client.ts"
import { formatWhole } from "../format/numbers.ts"

const seconds = (millis: number): string => {
  const count = Math.max(1, Math.round(millis / 1_000))
  return count < 120 ? `${count} s` : `${Math.round(count / 60)} min`
}

export const describeResumed = (event: Resumed): string => {
  const back = `Back after ${seconds(event.downMillis)}`
  const known = event.missed.reduce((sum, missed) => sum + (missed.updates ?? 0), 0)
  const unknown = event.missed.filter((missed) => missed.updates === null).length
  const symbols = (count: number) => `${formatWhole(count)} symbol${count === 1 ? "" : "s"}`
  if (event.missed.length === 0) return `${back}, nothing missed`
  if (unknown === 0) return `${back}, ${formatWhole(known)} update${known === 1 ? "" : "s"} missed`
  const rest = known === 0 ? "" : `${formatWhole(known)} updates missed, and `
  return `${back}, ${rest}an unknown number missed in ${symbols(unknown)}`
}
