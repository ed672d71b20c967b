/**
 * Logs: one JSON object per line and event, or text for people at a terminal. Values marked Redacted print as `<redacted>`.
 */
import { Layer, Logger, References } from "effect"
import type { Settings } from "../Config.ts"

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
    Logger.layer([isPretty(settings.logFormat, isTerminal) ? Logger.consolePretty() : Logger.consoleJson]),
    Layer.succeed(References.MinimumLogLevel, levels[settings.logLevel])
  )
