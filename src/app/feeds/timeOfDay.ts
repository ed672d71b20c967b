/** Times of day as people write them: HH:MM or HH:MM:SS, in New York. */

const pattern = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/

/** Milliseconds since midnight, of a day on which the clocks do not change (no trading day is one); undefined when it is none. */
export const timeOfDay = (text: string): number | undefined => {
  const parts = pattern.exec(text)
  if (parts === null) return undefined
  const [, hours, minutes, seconds = 0] = parts
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000
}
