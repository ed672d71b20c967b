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
  const late = event.awaiting.length
  const waiting = late === 0 ? "" : `; ${symbols(late)} not current yet`
  if (event.missed.length === 0) return late === 0 ? `${back}, nothing missed` : `${back}${waiting}`
  if (unknown === 0) return `${back}, ${formatWhole(known)} update${known === 1 ? "" : "s"} missed${waiting}`
  const rest = known === 0 ? "" : `${formatWhole(known)} updates missed, and `
  return `${back}, ${rest}an unknown number missed in ${symbols(unknown)}${waiting}`
}
