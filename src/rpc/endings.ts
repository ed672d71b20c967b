/**
 * Why a connection is signed out, as the text that closes its socket says it (CloseCode.SignedOut): written for people, and known again
 * by who shows them more than that. Browser-safe.
 */

/** Named as in the audit log, where it is there. */
export const endingTexts = {
  "signed-out": "Signed out: sign in again",
  "sign-in-ended": "Signed out from another browser: sign in again",
  "signed-out-everywhere": "Signed out everywhere: sign in again",
  "password-changed": "Signed out, as the password was changed: sign in with the new one",
  "password-reset": "Signed out, as the operator gave the account another password: sign in with that",
  banned: "Signed out, as the operator suspended the account: ask them",
  "account-deleted": "Signed out, as the account was deleted",
  "token-revoked": "This token was revoked or has expired: another one is needed",
  expired: "The sign-in or token has expired: sign in again"
} as const
export type Ending = keyof typeof endingTexts

const isEnding = (text: string): text is Ending => Object.hasOwn(endingTexts, text)

/** What closes a connection that stood on what has ended; `why`: an Ending, if it is known. Of a token's end no more is said than needs be. */
export const endingText = (why: string | undefined, isToken: boolean): string => {
  const ending = why !== undefined && isEnding(why) ? why : "signed-out"
  return endingTexts[isToken && ending !== "banned" && ending !== "account-deleted" ? "token-revoked" : ending]
}

/** Undefined: something else ended it, or a newer server says what this does not know. */
export const endingOf = (reason: string): Ending | undefined =>
  Object.keys(endingTexts)
    .filter(isEnding)
    .find((ending) => endingTexts[ending] === reason)
