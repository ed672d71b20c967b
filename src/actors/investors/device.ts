/** What a browser calls itself, in words: "Chrome on Windows". Only for its owner to recognise it by. Pure. */

/** The most special first: most call themselves Chrome or Safari as well. */
const browsers: ReadonlyArray<readonly [pattern: RegExp, name: string]> = [
  [/\bEdgA?(iOS)?\//, "Edge"],
  [/\bOPR\/|\bOpera\b/, "Opera"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bHeadlessChrome\//, "Headless Chrome"],
  [/\bChrome\/|\bCriOS\//, "Chrome"],
  [/\bVersion\/[\d.]+ .*Safari\//, "Safari"],
  [/^curl\//, "curl"]
]
const systems: ReadonlyArray<readonly [pattern: RegExp, name: string]> = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b|\bX11\b/, "Linux"]
]

const nameOf = (userAgent: string, names: ReadonlyArray<readonly [RegExp, string]>): string | undefined =>
  names.find(([pattern]) => pattern.test(userAgent))?.[1]

/** Longer ones are cut: nobody needs to send them. */
export const MAX_USER_AGENT_LENGTH = 256

export const deviceOf = (userAgent: string): string => {
  const text = userAgent.slice(0, MAX_USER_AGENT_LENGTH)
  const browser = nameOf(text, browsers)
  const system = nameOf(text, systems)
  if (browser === undefined) return system === undefined ? "Unknown device" : `Unknown browser on ${system}`
  return system === undefined ? browser : `${browser} on ${system}`
}
