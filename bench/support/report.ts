/** What a benchmark says: a table, printed and kept in RESULTS.md between markers of its own. */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { cpus, loadavg, release, totalmem } from "node:os"

export interface Report {
  readonly name: string
  readonly title: string
  /** How it was done, and what limits the figures. */
  readonly conditions: ReadonlyArray<string>
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  /** The target of the design beside what was found. */
  readonly verdicts?: ReadonlyArray<string>
}

const commit = (): string => {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()
  } catch {
    return "no git"
  }
}

const machine = (): string => {
  const [cpu] = cpus()
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} × ${cpu?.model.trim() ?? "unknown CPU"}, ${gigabytes} GB, Linux ${release()}, Node ${process.version}`
}

const table = ({ head, rows }: Report): string => {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${widths.map((width, column) => (column === 0 ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width))).join(" | ")} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`
  return [line(head), rule, ...rows.map(line)].join("\n")
}

export const loadNow = (): number => loadavg()[0] ?? 0

/** `loadBefore`: the machine's load average before the benchmark began; above ~0.5 its figures are preliminary. */
export const render = (report: Report, loadBefore: number, priority: number): string => {
  const busy = loadBefore > 0.5 ? " **The machine had other work: preliminary.**" : ""
  return [
    `## ${report.title}`,
    "",
    `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${commit()}, ${machine()}, load average before ${loadBefore.toFixed(1)}.${priority === 0 ? "" : ` Run at niceness ${priority}.`}${busy}`,
    `Again: \`npm run bench -- ${report.name}\``,
    "",
    ...report.conditions.map((line) => `- ${line}`),
    "",
    table(report),
    ...(report.verdicts === undefined ? [] : ["", ...report.verdicts.map((line) => `- ${line}`)])
  ].join("\n")
}

const file = new URL("../RESULTS.md", import.meta.url)

export const save = (report: Report, text: string): void => {
  const [open, close] = [`<!-- ${report.name} -->`, `<!-- /${report.name} -->`]
  const before = readFileSync(file, "utf8")
  const section = `${open}\n${text}\n${close}`
  const start = before.indexOf(open)
  const end = before.indexOf(close)
  const after =
    start === -1 || end === -1
      ? `${before.trimEnd()}\n\n${section}\n`
      : before.slice(0, start) + section + before.slice(end + close.length)
  writeFileSync(file, after)
}

export const thousands = (value: number): string => Math.round(value).toLocaleString("en-US")
export const millis = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1))
export const kilobytes = (bytes: number): string => (bytes / 1024).toFixed(1)

/** The value that so great a share does not exceed. */
export const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2
}

/** "reached", with what was asked; a ratio or a rate counts upwards, a latency or a size downwards. */
export const against = (
  what: string,
  value: number,
  floor: number,
  goal: number,
  show: (value: number) => string,
  better: "more" | "less"
): string => {
  const meets = (target: number) => (better === "more" ? value >= target : value <= target)
  const verdict = meets(goal) ? "goal reached" : meets(floor) ? "floor reached" : "BELOW THE FLOOR"
  return `${what}: ${show(value)} — ${verdict} (floor ${show(floor)}, goal ${show(goal)}).`
}
