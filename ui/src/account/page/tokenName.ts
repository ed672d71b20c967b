/** What a token may be called, as the server sees it: told while one types, so that nothing is cut. Pure. */

export const MOST_NAME = 60
/** From here on one sees how much room is left. */
const NEAR = 45

/** In characters as people count them, without the space around them, which is not kept. */
const lengthOf = (text: string): number => Array.from(text.trim()).length

export const nameError = (text: string): string | null =>
  text.trim() === ""
    ? "Give it a name."
    : /[\p{Cc}\p{Cs}]/u.test(text.trim())
      ? "This name has signs that cannot be shown."
      : lengthOf(text) > MOST_NAME
        ? `Use at most ${MOST_NAME} characters; this has ${lengthOf(text)}.`
        : null

/** null: there is room enough. */
export const roomText = (text: string): string | null => {
  const length = lengthOf(text)
  if (length < NEAR) return null
  return length > MOST_NAME
    ? `${length} of ${MOST_NAME} characters: ${length - MOST_NAME} too many`
    : `${length} of ${MOST_NAME} characters`
}
