/** Two prices, through anything that happens to the server: `npm start` in one terminal, `npx node examples/watch.ts` here. */
import { connect } from "lzstock/client"

const client = connect({ url: process.argv[2] ?? "http://127.0.0.1:4280" })
client.onState((state) => console.log(`-- ${state.status}${"reason" in state ? `: ${state.reason}` : ""}`))

client.watch({ symbols: ["AAPL", "MSFT"], conflation: 1000 }, (events) => {
  for (const event of events) {
    if (event._tag === "Snapshot" || event._tag === "Update")
      console.log(event.symbol, event.last, `(${event.folded} folded)`)
    if (event._tag === "Gap") console.log(`-- ${event.symbol}: missed updates from ${event.from}: ${event.reason}`)
    if (event._tag !== "Resumed") continue
    console.log(`-- back after ${event.downMillis} ms`)
    for (const { symbol, updates } of event.missed)
      console.log(`-- missed of ${symbol}: ${updates ?? "unknown, it started anew"}`)
  }
})
