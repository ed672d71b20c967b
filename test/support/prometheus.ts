/** A strict reader of the Prometheus text format, to judge what we write: it throws at the first thing a scraper would. */

export interface ParsedFamily {
  readonly type: string
  readonly help: string
  /** Keyed by name and label set as written, e.g. `actors_active{kind="ticker"}`; `{}` for none. */
  readonly samples: Map<string, number>
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const sampleLine = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)?\\})? (\\S+)$`)
const suffixes: Readonly<Record<string, ReadonlyArray<string>>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"]
}

const toNumber = (text: string): number => {
  if (text === "+Inf") return Infinity
  if (text === "-Inf") return -Infinity
  const value = Number(text)
  if (Number.isNaN(value) && text !== "NaN") throw new Error(`not a number: ${text}`)
  return value
}

export const parsePrometheus = (text: string): Map<string, ParsedFamily> => {
  if (!text.endsWith("\n")) throw new Error("the last line is not ended")
  const families = new Map<string, ParsedFamily>()
  let help: { readonly name: string; readonly text: string } | undefined
  let current: (ParsedFamily & { readonly name: string }) | undefined
  for (const line of text.slice(0, -1).split("\n")) {
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
    if (keyword === "HELP") {
      help = { name, text: rest }
    } else if (keyword === "TYPE") {
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(`unknown type: ${line}`)
      if (families.has(name)) throw new Error(`${name} comes twice`)
      current = { name, type: rest, help: help?.name === name ? help.text : "", samples: new Map() }
      families.set(name, current)
    } else {
      const [, sample = "", labels = "", value = ""] = sampleLine.exec(line) ?? []
      if (sample === "") throw new Error(`not a sample: ${line}`)
      if (current === undefined) throw new Error(`no TYPE before ${line}`)
      const family = current
      if (!(suffixes[family.type] ?? [""]).some((suffix) => sample === family.name + suffix)) {
        throw new Error(`${sample} does not belong to ${family.name}`)
      }
      const key = `${sample}{${labels}}`
      if (family.samples.has(key)) throw new Error(`${key} comes twice`)
      family.samples.set(key, toNumber(value))
    }
  }
  for (const [name, family] of families) {
    if (family.samples.size === 0) throw new Error(`${name} has no samples`)
    if (family.type === "histogram") checkHistogram(name, family)
  }
  return families
}

/** Buckets never fall, and the last one is the count. */
const checkHistogram = (name: string, { samples }: ParsedFamily) => {
  const buckets = Array.from(samples).filter(([key]) => key.startsWith(`${name}_bucket`))
  const values = buckets.map(([, value]) => value)
  if (values.some((value, i) => value < (values[i - 1] ?? 0))) throw new Error(`${name}: buckets are not cumulative`)
  if (!buckets.at(-1)?.[0].includes('le="+Inf"')) throw new Error(`${name}: no +Inf bucket`)
  const count = Array.from(samples).find(([key]) => key.startsWith(`${name}_count`))?.[1]
  if (values.at(-1) !== count) throw new Error(`${name}: +Inf bucket and count differ`)
}
