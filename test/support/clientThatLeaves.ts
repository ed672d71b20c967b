/** A process of its own that uses the client and closes it. It ends only if nothing keeps it alive: no socket, no timer. */
import { connect } from "lzstock/client"
import { WebSocket } from "ws"

const [, , url, library] = process.argv
const client = connect({ url, makeWebSocket: library === "ws" ? (to) => new WebSocket(to) : undefined })
await client.opened()
const { promise: told, resolve } = Promise.withResolvers<void>()
client.watch({ symbols: ["AAPL"] }, () => resolve())
client.watchBars({ symbol: "AAPL", interval: "1m" }, () => {})
const unanswered = client.status().catch(() => {})
await told
await client.close()
await unanswered
console.log(JSON.stringify(process.getActiveResourcesInfo().filter((one) => /TCP|Timeout|Immediate/.test(one))))
