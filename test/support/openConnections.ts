import type { Server } from "node:http"
import { Effect, Schedule } from "effect"

/** Counts a server's connections from here on, through whichever socket they come; the result waits until there are so many. */
export const openConnections = (server: Server) => {
  let open = 0
  server.on("connection", (socket) => {
    open++
    socket.once("close", () => open--)
  })
  return (isMet: (open: number) => boolean) =>
    Effect.repeat(
      Effect.sync(() => open),
      { until: isMet, schedule: Schedule.spaced("1 millis") }
    )
}
