/**
 * Judging the silence of others: while this process itself stood still (frozen, or busy for seconds), it heard nobody, and what they
 * said meanwhile is still to be read when its timers fire.
 */

/**
 * Milliseconds in which this process could hear. `look` is to be called about every `everyMillis`; of a pause between two looks that
 * was longer than twice that, the rest is not counted. `now`: monotonic ms. Both return the time.
 */
export const makeAwakeTime = (everyMillis: number, now: () => number) => {
  let lookedAt = now()
  let then = lookedAt
  const time = () => then + Math.min(now() - lookedAt, 2 * everyMillis)
  return {
    time,
    look: (): number => {
      then = time()
      lookedAt = now()
      return then
    }
  }
}
