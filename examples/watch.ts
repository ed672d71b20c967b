/** Two prices, through anything that happens to the server: `npm start` in one terminal, `npx node examples/watch.ts` here. */
import { connect } from "lzstock/client"

// of a server that wants to know who asks: a token from its account page
const token = process.env.LZSTOCK_TOKEN || undefined
const client = connect({ url: process.argv[2] ?? "http://127.0.0.1:4280", token })
client.onState((state) => console.log(`-- ${state.status}${"reason" in state ? `: ${state.reason}` : ""}`))
// whoever reads this has seen enough (`| head`)
process.stdout.on("error", () => process.exit())

client.watch({ symbols: ["AAPL", "MSFT"], conflation: 1000 }, (events) => {
  for (const event of events) {
    if (event._tag === "Snapshot" || event._tag === "Update")
      console.log(event.symbol, event.last, `(${event.folded} folded)`)
    if (event._tag === "Gap") console.log(`-- ${event.symbol}: missed updates from ${event.from}: ${event.reason}`)
    // refused for good: no token, one that has ended, too many watches
    if (event._tag === "WatchRefused" && event.retryAfterMillis === null) {
      console.error(`watch: ${event.error.message}`)
      process.exitCode = event.error._tag === "NotSignedIn" ? 6 : 1
      void client.close()
    }
    if (event._tag !== "Resumed") continue
    console.log(`-- back after ${event.downMillis} ms`)
    for (const { symbol, updates } of event.missed)
      console.log(`-- missed of ${symbol}: ${updates ?? "unknown, it started anew"}`)
  }
})
