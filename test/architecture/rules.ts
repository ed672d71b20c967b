/**
 * The project's arrows and manners as functions over source text (docs/adr/0001). architecture.test.ts runs them over the
 * tree, and over bad examples, so that a rule that stopped biting is noticed.
 */
import path from "node:path"

export interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly path: string
  readonly rule: string
  readonly detail: string
}

export const MAX_LINES = 400

/** Comments blanked, strings kept: enough to find imports and forbidden words without a parser. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/(^|[\s;{(])\/\/[^\n]*/g, "$1")

/** Every module a file imports, exports from, or imports dynamically, as written. */
export const importsOf = (text: string): ReadonlyArray<string> => {
  const code = withoutComments(text)
  const found = [
    ...code.matchAll(/\b(?:import|export)\b[^"'`;()]*?\bfrom\s*["']([^"']+)["']/g),
    ...code.matchAll(/\bimport\s*["']([^"']+)["']/g),
    ...code.matchAll(/\bimport\s*\(\s*["']([^"']+)["']/g)
  ]
  return found.map((match) => match[1] ?? "")
}

/** A relative import as a project path; a package stays what it is. */
const resolve = (from: string, specifier: string): string =>
  specifier.startsWith(".") ? path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier)) : specifier

const isOurs = (specifier: string): boolean => specifier.startsWith(".")
const isWithin = (file: string, folders: ReadonlyArray<string>) =>
  folders.some((folder) => file === folder || file.startsWith(`${folder}/`))

const isTest = (file: string) => /\.(test|suite)\.tsx?$/.test(file)

/** Which folders a file may import from; undefined: anything. */
const allowedFor = (file: string): ReadonlyArray<string> | undefined => {
  const context = /^src\/actors\/([^/]+)\//.exec(file)?.[1]
  if (isWithin(file, ["src/rpc"])) return ["src/rpc"]
  if (context === "kernel") return ["src/rpc", "src/actors/kernel"]
  if (context !== undefined) return ["src/rpc", "src/actors/kernel", `src/actors/${context}`]
  if (isWithin(file, ["src/app"])) return ["src"]
  if (isWithin(file, ["ui"])) return ["src/rpc", "ui"]
  if (isWithin(file, ["examples"])) return ["src/rpc", "examples"]
  return undefined
}

/** `rpc ← actors ← app`, `rpc ← ui`; contexts meet only through rpc. */
const arrows = (file: SourceFile): ReadonlyArray<Violation> => {
  const own = allowedFor(file.path)
  if (own === undefined) return []
  const allowed = isTest(file.path) ? [...own, "test/support"] : own
  return importsOf(file.text)
    .filter((specifier) => isOurs(specifier) && !isWithin(resolve(file.path, specifier), allowed))
    .map((specifier) => ({
      path: file.path,
      rule: "arrow",
      detail: `imports ${resolve(file.path, specifier)}, may import only ${allowed.join(", ")}`
    }))
}

interface PackageRule {
  readonly rule: string
  readonly applies: (file: string) => boolean
  readonly forbids: (specifier: string) => boolean
}

const packageRules: ReadonlyArray<PackageRule> = [
  {
    // a browser loads it
    rule: "rpc is browser-safe: Effect only",
    applies: (file) => isWithin(file, ["src/rpc"]) && !isTest(file),
    forbids: (specifier) => !/^effect(\/|$)/.test(specifier)
  },
  {
    // lower-case names in a context are its rules, Capitals its actors and ports
    rule: "pure rules know no wire, store or clock of the platform",
    applies: (file) => /^src\/actors\/[^/]+\/(.*\/)?[a-z][^/]*\.ts$/.test(file) && !isTest(file),
    forbids: (specifier) =>
      /^(node:|@effect\/|effect\/(rpc|cluster|sql|http|socket|persistence|workflow)\b)/.test(specifier)
  },
  {
    rule: "foreign protocols live in app",
    applies: (file) => isWithin(file, ["src/actors"]) && !isTest(file),
    forbids: (specifier) =>
      /^(node:(http|https|net|tls|fs|child_process)|ws|yauzl|@effect\/platform-node)/.test(specifier)
  },
  {
    rule: "the dashboard runs in a browser",
    applies: (file) => isWithin(file, ["ui/src"]) && !isTest(file),
    forbids: (specifier) => /^(node:|@effect\/platform-node|ws$)/.test(specifier)
  }
]

const packages = (file: SourceFile): ReadonlyArray<Violation> =>
  packageRules
    .filter(({ applies }) => applies(file.path))
    .flatMap(({ forbids, rule }) =>
      importsOf(file.text)
        .filter((specifier) => !isOurs(specifier) && forbids(specifier))
        .map((specifier) => ({ path: file.path, rule, detail: `imports ${specifier}` }))
    )

const size = (file: SourceFile): ReadonlyArray<Violation> => {
  const lines = file.text.split("\n").length
  return lines > MAX_LINES ? [{ path: file.path, rule: "size", detail: `${lines} lines, at most ${MAX_LINES}` }] : []
}

/** Words, and why not. Written as patterns, so that this file does not match itself. */
const manners: ReadonlyArray<readonly [pattern: RegExp, why: string, applies: (file: string) => boolean]> = [
  [/\bas\s+any\b/, "a cast that silences the compiler", () => true],
  [/\bas\s+unknown\s+as\b/, "a cast that silences the compiler", () => true],
  [/@ts-(ignore|nocheck|expect-error)/, "silences the compiler", () => true],
  [/biome-ignore[-]all/, "silences the linter for a whole file", () => true],
  [/\b(it|test|describe|layer)(\.\w+)?\.(skip|only|todo|fails)\b/, "a test that does not count", isTest],
  [/\bsetTimeout\s*\(/, "a test waits for events, not for time", isTest],
  [/["'`](\/work|\/farm|\/home)\//, "names a place on one machine", () => true]
]

const words = (file: SourceFile): ReadonlyArray<Violation> =>
  manners
    .filter(([, , applies]) => applies(file.path))
    .flatMap(([pattern, why]) => {
      const match = pattern.exec(pattern.source.startsWith("@ts") ? file.text : withoutComments(file.text))
      return match === null ? [] : [{ path: file.path, rule: "manners", detail: `"${match[0]}": ${why}` }]
    })

export const check = (file: SourceFile): ReadonlyArray<Violation> => [
  ...arrows(file),
  ...packages(file),
  ...size(file),
  ...words(file)
]
