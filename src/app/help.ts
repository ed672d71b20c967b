/** `npm start -- --help`, made from the option table. */
import { envOf, flagOf } from "./Config.ts"
import { type OptionText, options } from "./options.ts"

const GROUPS = ["Server", "Accounts", "Market data", "Companies", "Cluster", "Limits", "Operations"] as const
const INDENT = 34

/** `text` in lines of at most `width`, at spaces. */
const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const entry = (key: string, option: OptionText, width: number, dim: (text: string) => string): string => {
  const left = `  ${flagOf(key)} ${option.value}`.padEnd(INDENT)
  const fallback = option.default === undefined ? "" : `default ${option.default === "" ? "none" : option.default} · `
  const lines = [...wrap(option.about, width - INDENT), dim(`${fallback}${envOf(key)}`)]
  return lines.map((line, i) => (i === 0 ? left : " ".repeat(INDENT)) + line).join("\n")
}

/** @param style whether the terminal shows colours. */
export const helpText = (style: { readonly colours: boolean; readonly width: number; readonly version: string }) => {
  const width = Math.min(Math.max(style.width, 72), 110)
  const paint = (code: number) => (text: string) => (style.colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  const bold = paint(1)
  const dim = paint(2)
  const sections = GROUPS.map((group) => {
    const entries = Object.entries<OptionText>(options).filter(([, option]) => option.group === group)
    return `${bold(group)}\n${entries.map(([key, option]) => entry(key, option, width, dim)).join("\n")}`
  })
  return `${bold(`LZStock ${style.version}`)}: real-time stock platform

Usage: npm start -- [options]

${sections.join("\n\n")}

${bold("Other")}
${"  --help, -h".padEnd(INDENT)}This text.
${"  --version, -v".padEnd(INDENT)}The version.

Every option can also be set by the environment variable named under it; a flag wins.

${bold("Examples")}
  npm start
  npm start -- --port 8080 --host 0.0.0.0
  npm start -- --feed replay --data ../shared/data/market/lean --date 2013-10-07 --speed 60
`
}
