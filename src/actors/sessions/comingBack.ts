/** When those who are sent away may come back: as fast as another node lets them in, and no later. Pure. */

/** How many new sessions a node takes a second, of all and of one address. */
export interface Admission {
  readonly perSecond: number
  readonly perSecondAndAddress: number
}

/** So many seconds' worth are let in at once. */
export const ADMISSION_BURST = 4
/** Few clients come back at once, though not in the same instant. */
const LEAST_SPREAD_MILLIS = 200

/**
 * Of each session, in ms from now; `addresses` are theirs, null of who is not counted. Those of one address come within its burst first and
 * then at its pace; where that takes longer than `mostMillis`, all come so much faster.
 */
export const comingBack = (
  addresses: ReadonlyArray<string | null>,
  { perSecond, perSecondAndAddress }: Admission,
  mostMillis: number
): ReadonlyArray<number> => {
  const step = Math.max(1_000 / perSecond, LEAST_SPREAD_MILLIS / Math.max(1, addresses.length))
  const burst = ADMISSION_BURST * perSecondAndAddress
  const before = new Map<string, number>()
  const times = addresses.map((address, index) => {
    if (address === null) return step * index
    const others = before.get(address) ?? 0
    before.set(address, others + 1)
    return Math.max(step * index, (Math.max(0, others + 1 - burst) / perSecondAndAddress) * 1_000)
  })
  const last = times.reduce((a, b) => Math.max(a, b), 0)
  return last <= mostMillis ? times : times.map((time) => (time * mostMillis) / last)
}
