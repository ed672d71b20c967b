/**
 * A server that behaves towards its cluster as src/app/main.ts does, and knows no market: for tests of processes and
 * connections. What it is told besides, by variables: STAND_IN_JOURNAL (a file: a line for each thing it does), STAND_IN_FAILS and
 * STAND_IN_DEAF (names of nodes: that end before they are ready; that take no notice of SIGTERM).
 */
import { appendFileSync } from "node:fs"
import { createServer } from "node:http"
import { WebSocketServer } from "ws"

const options = process.argv.slice(2)
const flag = (name: string) => options[options.indexOf(name) + 1] ?? ""
const name = flag("--node")
const role = flag("--role")
const { STAND_IN_JOURNAL: journal = "" } = process.env
const note = (what: string) => journal !== "" && appendFileSync(journal, `${name} ${what}\n`)
const log = (level: string, message: string, data: object = {}) => console.log(JSON.stringify({ level, message, data }))

note(`runs ${process.pid}`)
if (process.env.STAND_IN_FAILS === name) {
  console.error(`lzstock: ${name} cannot`)
  process.exit(3)
}
if (role === "migrate") process.exit(0)

let isDraining = false
const server = createServer((request, response) => {
  if (request.url === "/readyz")
    return response.writeHead(isDraining ? 503 : 200).end(isDraining ? "draining\n" : "ready\n")
  if (request.url === "/error") log("ERROR", "as asked")
  response.setHeader("connection", "close")
  response.end(JSON.stringify({ name, role, options }))
})
const sockets = new WebSocketServer({ server, path: "/rpc" })
sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(`${name}: ${data}`)))
server.listen(Number(process.env.LZSTOCK_PORT), process.env.LZSTOCK_HOST, () => {
  const address = server.address()
  console.error("a banner for people")
  log("INFO", "Ready", { port: typeof address === "object" ? address?.port : 0 })
})
process.on("SIGTERM", () => {
  note("is told to end")
  isDraining = true
  if (process.env.STAND_IN_DEAF === name) return
  server.close(() => {
    note("ends")
    process.exit(0)
  })
  for (const socket of sockets.clients) socket.close(1012, "restart")
  server.closeIdleConnections()
})
