import { randomBytes } from "node:crypto"

/** What a client is told of a failure of ours, and what its log line is found by (S7). */
export const newReference = (): string => randomBytes(6).toString("hex")
