/** A server of `ws` alone that answers each message with as many bytes as it was told. */
import { WebSocketServer } from "ws"
import { answer } from "../support/processes.ts"

const echo = {
  listen: async (bytes: number): Promise<number> => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false })
    await new Promise((resolve) => server.once("listening", resolve))
    const text = "a".repeat(bytes)
    server.on("connection", (socket) => socket.on("message", () => socket.send(text)))
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  }
}
export type Echo = typeof echo

answer(echo)
