/**
 * Logs: one JSON object per line and event, or text for people at a terminal. Values marked Redacted print as `<redacted>`.
 */
import { Formatter, Layer, Logger, References } from "effect"
import type { Settings } from "../Config.ts"

const unlessEmpty = (name: string, value: object) => (Object.keys(value).length === 0 ? {} : { [name]: value })

/** `{"time":…,"level":"INFO","message":"Ready","data":{"port":4280},…}`: texts are the message, objects the data. */
export const jsonLine = Logger.map(
  Logger.formatStructured,
  ({ annotations, cause, fiberId, level, message, spans, timestamp }) => {
    const texts: Array<string> = []
    const data: Record<string, unknown> = {}
    for (const part of Array.isArray(message) ? message : [message]) {
      if (typeof part === "object" && part !== null) Object.assign(data, part)
      else texts.push(String(part))
    }
    return Formatter.formatJson({
      time: timestamp,
      level,
      message: texts.join(" "),
      ...unlessEmpty("data", data),
      ...unlessEmpty("annotations", annotations),
      ...unlessEmpty("spans", spans),
      ...(cause === undefined ? {} : { cause }),
      fiber: fiberId
    })
  }
)

const levels = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  none: "None"
} as const

/** `auto` is pretty on a terminal, else JSON. */
export const isPretty = (format: Settings["logFormat"], isTerminal: boolean): boolean =>
  format === "pretty" || (format === "auto" && isTerminal)

export const layerLogging = (
  settings: Pick<Settings, "logFormat" | "logLevel">,
  isTerminal: boolean
): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([isPretty(settings.logFormat, isTerminal) ? Logger.consolePretty() : Logger.withConsoleLog(jsonLine)]),
    Layer.succeed(References.MinimumLogLevel, levels[settings.logLevel])
  )
