/** Colours of a terminal. Never the only sign: arrows, signs and words say the same. */
const codes = { up: 32, down: 31, warn: 33, dim: 2, bold: 1, reverse: 7 } as const
export type Style = keyof typeof codes

/** `text` in a style; as it is when `colours` is off or the style is none ("flat", undefined). */
export const paint = (colours: boolean, style: Style | "flat" | undefined, text: string): string =>
  !colours || style === undefined || style === "flat" ? text : `\u001b[${codes[style]}m${text}\u001b[0m`
