/** Text cut at the places that a query covers, for showing them marked. Pure. */

export interface Part {
  readonly text: string
  readonly marked: boolean
}

/** `ranges` are [from, to) in UTF-16 code units; what lies outside the text or in another range is not marked twice. */
export const partsOf = (text: string, ranges: ReadonlyArray<readonly [number, number]>): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  let at = 0
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const start = Math.max(at, from)
    const end = Math.min(text.length, to)
    if (end <= start) continue
    if (start > at) parts.push({ text: text.slice(at, start), marked: false })
    parts.push({ text: text.slice(start, end), marked: true })
    at = end
  }
  if (at < text.length) parts.push({ text: text.slice(at), marked: false })
  return parts
}
