/** What happened to an account, in plain words. Pure. */
import type { SecurityEvent } from "../../../../src/rpc/client.ts"

const words: ReadonlyMap<string, string> = new Map([
  ["signed-up", "Account created"],
  ["account-added", "Account created by the operator"],
  ["signed-in", "Signed in"],
  ["sign-in-refused", "Sign-in refused"],
  ["signed-out", "Signed out"],
  ["signed-out-everywhere", "Signed out everywhere"],
  ["sign-in-ended", "Another browser was signed out"],
  ["password-changed", "Password changed"],
  ["password-change-refused", "Password change refused"],
  ["password-reset", "Password reset by the operator"],
  ["attempts-limited", "Too many attempts: refused for a while"],
  ["looked-at", "Looked at by the operator"],
  ["banned", "Account suspended by the operator"],
  ["ban-lifted", "Suspension lifted by the operator"],
  ["token-created", "API token created"],
  ["token-revoked", "API token revoked"],
  ["token-refused", "API token refused"],
  ["ticket-refused", "Reconnection of a program refused"],
  ["account-exported", "Data exported"],
  ["account-deleted", "Account deleted"],
  ["delete-refused", "Deletion of the account refused"]
])

/** A newer server may tell what this page does not know: shown as it says it. */
export const describeEvent = (event: string): string => words.get(event) ?? event

/** What is known of it besides: which one, with what, from where. */
export const aboutEvent = ({ address, detail, device }: SecurityEvent): ReadonlyArray<string> =>
  [detail, device, address].flatMap((part) => (part === null || part === "" ? [] : [part]))
