/** Whether the feed is down, as told by the watch's events. Pure. */
import type { ClientEvent } from "../../../src/rpc/client.ts"

/**
 * Since when the feed is down, ms; null when it is not. A lost connection takes what its server said with it: the next
 * one says it anew after `Watching`.
 */
export const feedDownAfter = (since: number | null, event: ClientEvent): number | null => {
  if (event._tag === "Liveness") return event.state === "feed-down" ? event.since : null
  return event._tag === "Disconnected" ? null : since
}
