/** Who watches what: seeded, so that every server of a run is asked for exactly the same. */

export const symbolAt = (index: number): string => {
  let rest = index
  let letters = ""
  for (let place = 0; place < 3; place++) {
    letters = String.fromCharCode(65 + (rest % 26)) + letters
    rest = Math.floor(rest / 26)
  }
  return `Q${letters}`
}

export const symbolsOf = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => symbolAt(index))

/** mulberry32 */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `count` different ones of `all`. */
export const pick = <A>(all: ReadonlyArray<A>, count: number, random: () => number): ReadonlyArray<A> => {
  const chosen = new Set<A>()
  while (chosen.size < Math.min(count, all.length)) {
    const one = all[Math.floor(random() * all.length)]
    if (one !== undefined) chosen.add(one)
  }
  return Array.from(chosen)
}
