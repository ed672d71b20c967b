/** Help and version as text; a wrong command line as one line on stderr, nothing on stdout. */
import { Effect } from "effect"
import { type CliError, CliOutput } from "effect/cli"
import { Out } from "./Out.ts"

const oneError = (error: CliError.NonShowHelpErrors): string => {
  const suggestions = "suggestions" in error ? error.suggestions : []
  const hint = suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`
  switch (error._tag) {
    case "UnknownSubcommand":
      return `unknown command "${error.subcommand}"${hint}`
    case "UnrecognizedOption":
      return `unknown option ${error.option}${hint}`
    case "MissingOption":
      return `--${error.option} is missing`
    case "MissingArgument":
      return `${error.argument.toUpperCase()} is missing`
    case "UnexpectedArgument":
      return `${error.arguments.map((text) => `"${text}"`).join(", ")}: one argument too many`
    case "InvalidValue":
      return `${error.kind === "flag" ? `--${error.option}` : error.option.toUpperCase()}: ${invalid(error.value, error.expected)}`
    default:
      return error.message
  }
}

const invalid = (value: string, expected: string): string => {
  const wanted = expected
    .replace(/^Expected:?\s*/, "")
    .replace(/, got .*$/, "")
    .replace("a string representing a finite number", "a number")
  return value === "" ? `a value is missing (${wanted})` : `"${value}" is not right (expected ${wanted})`
}

/** `wrong command line; lzstock watch --help` */
export const usageLine = (errors: ReadonlyArray<CliError.NonShowHelpErrors>, path: ReadonlyArray<string>): string => {
  const what = [...new Set(errors.map(oneError))].join("; ").replace(/\s+/g, " ")
  return `lzstock: ${what} (see ${path.join(" ")} --help)`
}

export const makePresenter: Effect.Effect<CliOutput.Presenter, never, Out> = Effect.map(Out, (out) => {
  const formatter = CliOutput.defaultFormatter({ colors: out.colours })
  return {
    present: (event) => {
      switch (event._tag) {
        case "Help":
          return out.write(`${formatter.formatHelpDoc(event.helpDoc)}\n`)
        case "InvalidInvocation":
          return out.note(usageLine(event.errors, event.commandPath))
        case "Version":
          return out.write(`${event.name} ${event.version}\n`)
      }
    }
  }
})
