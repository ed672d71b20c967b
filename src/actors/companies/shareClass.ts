/** What the part behind the dot of a symbol says, as the SEC's lists write it: BRK.B, BAC.PE, ABC.WT. Pure. */

const named: Readonly<Record<string, string>> = {
  WT: "Warrant",
  W: "Warrant",
  UN: "Unit",
  U: "Unit",
  RT: "Right",
  RI: "Right, when issued",
  WI: "When issued",
  P: "Preferred"
}

/** null: the symbol does not tell. */
export const shareClassOf = (symbol: string): string | null => {
  const [, suffix = ""] = symbol.split(".")
  const known = named[suffix]
  if (known !== undefined) return known
  if (/^[A-Z]$/.test(suffix)) return `Class ${suffix}`
  if (/^P[A-Z]$/.test(suffix)) return `Preferred ${suffix.slice(1)}`
  if (/^WT[A-Z]$/.test(suffix)) return `Warrant ${suffix.slice(2)}`
  return null
}
