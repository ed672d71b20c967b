/** The Prometheus text format (0.0.4), as far as we write it. Pure. */

export type MetricType = "counter" | "gauge" | "histogram"

export interface Point {
  /** Appended to the family's name, e.g. `_bucket`; mostly empty. */
  readonly suffix?: string
  /** Label set without braces, e.g. `kind="ticker"`; empty for none. */
  readonly labels?: string
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly points: ReadonlyArray<Point>
}

const number = (value: number): string =>
  Number.isNaN(value) ? "NaN" : value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

/** A label's value, quoted and escaped. */
export const label = (name: string, value: string): string =>
  `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`

export const renderFamily = ({ help, name, points, type }: Family): string =>
  `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${points
    .map(({ labels = "", suffix = "", value }) => `${name}${suffix}${labels && `{${labels}}`} ${number(value)}\n`)
    .join("")}`

/** A histogram from the count of each bucket (not cumulative; what lies above the last bound is only in `count`). */
export const histogram = (
  name: string,
  help: string,
  bounds: ReadonlyArray<number>,
  counts: ReadonlyArray<number>,
  count: number,
  sum: number
): Family => {
  let running = 0
  const buckets = bounds.map((bound, i) => {
    running += counts[i] ?? 0
    return { suffix: "_bucket", labels: label("le", String(bound)), value: running }
  })
  const all = { suffix: "_bucket", labels: label("le", "+Inf"), value: count }
  const totals = [
    { suffix: "_sum", value: sum },
    { suffix: "_count", value: count }
  ]
  return { name, help, type: "histogram", points: [...buckets, all, ...totals] }
}
