/** Text of others that will be stored and shown: no control characters, no halves of characters, which databases refuse. Pure. */
export const plainText = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\ufffd]+/gu, " ")
    .trim()
