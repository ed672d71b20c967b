/** The proxy before the gateways, with small servers in their place. */
import { once } from "node:events"
import { createServer as createHttpServer, type Server } from "node:http"
import { connect, createServer, type Socket, type Server as TcpServer } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { type FrontDoor, type FrontDoorOptions, openFrontDoor } from "../../scripts/cluster/frontDoor.mjs"
import { eventually } from "../support/cluster.ts"

const closes: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close()
})

const openDoor = async (options: FrontDoorOptions = {}): Promise<FrontDoor> => {
  const door = await openFrontDoor({ probeMilliseconds: 20, ...options })
  closes.push(door.close)
  return door
}

const listen = async (server: Server | TcpServer, port = 0): Promise<string> => {
  server.listen(port, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return `http://127.0.0.1:${address.port}`
}

/** Answers its name to everything; an upgrade is echoed. `state` is what /readyz says. */
const gateway = async (name: string, port = 0) => {
  const self = { name, state: "ready", url: "", sockets: new Set<Socket>(), kill: () => {} }
  const server = createHttpServer((request, response) => {
    if (request.url === "/readyz") return response.writeHead(self.state === "ready" ? 200 : 503).end(`${self.state}\n`)
    if (request.url === "/silent") return
    response.setHeader("connection", "close")
    response.end(name)
  })
  const webSockets = new WebSocketServer({ server })
  webSockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)))
  server.on("connection", (socket: Socket) => {
    self.sockets.add(socket)
    socket.on("error", () => {})
    socket.once("close", () => self.sockets.delete(socket))
  })
  self.url = await listen(server, port)
  self.kill = () => {
    server.close()
    for (const socket of self.sockets) socket.resetAndDestroy()
  }
  closes.push(self.kill)
  return self
}

/** A TCP server that is ready, and does with every other connection what it is told. */
const tcpGateway = async (serve: (socket: Socket, first: Buffer) => void) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {})
    socket.once("data", (first) => {
      if (!String(first).startsWith("GET /readyz")) return serve(socket, first)
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    })
    closes.push(() => socket.destroy())
  })
  closes.push(() => server.close())
  return { url: await listen(server) }
}

const admit = async (door: FrontDoor, ...gateways: ReadonlyArray<{ name: string; url: string }>) => {
  for (const { name, url } of gateways) door.add(name, url)
  await eventually("ready", () => gateways.every(({ name }) => door.isReady(name)))
}

/** Who answers. */
const ask = async (door: FrontDoor) => (await fetch(door.url, { headers: { connection: "close" } })).text()

const openWebSocket = async (door: FrontDoor) => {
  const socket = new WebSocket(door.url.replace("http", "ws"))
  closes.push(() => socket.terminate())
  socket.on("error", () => {})
  await once(socket, "open")
  return socket
}

const openSocket = async (door: FrontDoor) => {
  const socket = connect({ port: Number(new URL(door.url).port), host: "127.0.0.1", allowHalfOpen: true })
  closes.push(() => socket.destroy())
  await once(socket, "connect")
  return socket
}

describe("the front door", () => {
  it("spreads connections: each to the gateway with the fewest, and counts them", async () => {
    const door = await openDoor()
    const [a, b] = [await gateway("a"), await gateway("b")]
    await admit(door, a, b)
    const sockets = [
      await openWebSocket(door),
      await openWebSocket(door),
      await openWebSocket(door),
      await openWebSocket(door)
    ]
    expect(door.spread()).toEqual({ a: 2, b: 2 })
    expect(door.connections()).toBe(4)

    const before = new Set(a.sockets)
    for (const socket of sockets) socket.close()
    await eventually(
      "nobody left",
      () => door.connections() === 0 && Object.values(door.spread()).every((n) => n === 0)
    )
    await eventually("gateways know", () => [...before].every((socket) => socket.destroyed))
    // one after the other: they take turns
    expect(new Set([await ask(door), await ask(door)])).toEqual(new Set(["a", "b"]))
  })

  it("fills the one that has fewer", async () => {
    const door = await openDoor()
    const [a, b] = [await gateway("a"), await gateway("b")]
    await admit(door, a)
    await openWebSocket(door)
    await openWebSocket(door)
    await admit(door, b)
    await openWebSocket(door)
    await openWebSocket(door)
    expect(door.spread()).toEqual({ a: 2, b: 2 })
  })

  it("passes WebSocket messages of any size both ways", async () => {
    const door = await openDoor()
    await admit(door, await gateway("a"))
    const socket = await openWebSocket(door)
    const message = Buffer.alloc(3_000_000, "lzstock")
    socket.send(message)
    const [echoed] = await once(socket, "message")
    expect(message.equals(echoed)).toBe(true)
  })

  it("takes a gateway out that drains, keeps its connections, and takes it in again", async () => {
    const changes: Array<string> = []
    const door = await openDoor({ onChange: (name, state) => changes.push(`${name} ${state}`) })
    const [a, b] = [await gateway("a"), await gateway("b")]
    await admit(door, a, b)
    const sockets = [await openWebSocket(door), await openWebSocket(door)]
    a.state = "draining"
    await eventually("out", () => !door.isReady("a"))
    expect([await ask(door), await ask(door), await ask(door)]).toEqual(["b", "b", "b"])
    for (const socket of sockets) {
      socket.send("still here")
      expect(String((await once(socket, "message"))[0])).toBe("still here")
    }
    a.state = "ready"
    await eventually("in", () => door.isReady("a"))
    expect(new Set([await ask(door), await ask(door)])).toEqual(new Set(["a", "b"]))
    expect(changes.filter((line) => line.startsWith("a"))).toEqual(["a ready", "a draining", "a ready"])
  })

  it("a gateway that is gone: its clients notice, new ones get the other, at once", async () => {
    // no probe comes to help
    const door = await openDoor({ probeMilliseconds: 3_600_000 })
    const [a, b] = [await gateway("a"), await gateway("b")]
    await admit(door, a, b)
    const sockets = [await openWebSocket(door), await openWebSocket(door)]
    const closed = Promise.race(sockets.map((socket) => once(socket, "close")))
    a.kill()
    await closed
    expect(sockets.filter((socket) => socket.readyState === WebSocket.OPEN)).toHaveLength(1)
    expect(door.isReady("a")).toBe(true)
    expect([await ask(door), await ask(door), await ask(door)]).toEqual(["b", "b", "b"])
    expect(door.isReady("a")).toBe(false)
  })

  it("nobody ready: 503 and when to come again", async () => {
    const door = await openDoor()
    const answer = await fetch(door.url)
    expect(answer.status).toBe(503)
    expect(answer.headers.get("retry-after")).toBe("1")
    expect(await answer.json()).toEqual({ error: "no-gateway" })
    const a = await gateway("a")
    await admit(door, a)
    door.remove("a")
    expect((await fetch(door.url)).status).toBe(503)
    await eventually("nobody left", () => door.connections() === 0)
  })

  it("passes one side's end and lets the other go on", async () => {
    const door = await openDoor()
    // answers only when everything was said
    const { url } = await tcpGateway((socket, first) => {
      let text = String(first)
      socket.on("data", (chunk) => {
        text += chunk
      })
      socket.on("end", () => socket.end(`heard ${text.length}`))
    })
    await admit(door, { name: "a", url })
    const socket = await openSocket(door)
    socket.write("x".repeat(100_000))
    socket.end("y".repeat(100_000))
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk
    })
    await once(socket, "end")
    expect(text).toBe("heard 200000")
    await eventually("nobody left", () => door.connections() === 0)
  })

  it("holds back a sender whose reader does not read", async () => {
    const door = await openDoor()
    const arrived: Array<Socket> = []
    const { url } = await tcpGateway((socket) => {
      socket.pause()
      arrived.push(socket)
    })
    await admit(door, { name: "a", url })
    const socket = await openSocket(door)
    socket.write("first")
    await eventually("arrived", () => arrived.length === 1)
    const chunk = Buffer.alloc(64 * 1024)
    const all = 1000
    let sent = 0
    const send = () => {
      while (sent < all) {
        sent++
        if (!socket.write(chunk)) return
      }
    }
    socket.on("drain", send)
    send()
    let last = 0
    let unchanged = 0
    await eventually("it stands still", () => {
      unchanged = sent === last ? unchanged + 1 : 0
      last = sent
      return unchanged === 20
    })
    // the kernels' buffers are full, and ours, which is small
    expect(sent).toBeLessThan(all / 2)
    let received = 0
    arrived[0]?.on("data", ({ length }) => {
      received += length
    })
    arrived[0]?.resume()
    await eventually("all of it", () => received === all * chunk.length)
  })

  it("survives resets from both sides, at any moment", async () => {
    const door = await openDoor()
    const a = await gateway("a")
    await admit(door, a)
    for (let i = 0; i < 50; i++) {
      const client = await openSocket(door)
      client.on("error", () => {})
      if (i % 3 === 0) client.write("GET /silent HTTP/1.1\r\nhost: a\r\n\r\n")
      if (i % 3 === 1) for (const socket of a.sockets) socket.resetAndDestroy()
      client.resetAndDestroy()
    }
    await eventually("nobody left", () => door.connections() === 0 && door.spread().a === 0)
    await eventually("ready", () => door.isReady("a"))
    expect(await ask(door)).toBe("a")
  })

  it("hands a reset on as a reset: what was cut short does not look whole", async () => {
    const door = await openDoor()
    const { url } = await tcpGateway((socket) => socket.resetAndDestroy())
    await admit(door, { name: "a", url })
    const client = await openSocket(door)
    client.write("hello")
    const [error] = await once(client, "error")
    expect(error.code).toBe("ECONNRESET")
  })

  it("has a bound", async () => {
    const door = await openDoor({ maxConnections: 2 })
    await admit(door, await gateway("a"))
    await openWebSocket(door)
    await openWebSocket(door)
    await expect(openWebSocket(door)).rejects.toThrow()
    expect(door.connections()).toBe(2)
  })

  it("stops listening and keeps who is there; then closes", async () => {
    const door = await openDoor()
    await admit(door, await gateway("a"))
    const socket = await openWebSocket(door)
    door.stopListening()
    await expect(fetch(door.url)).rejects.toThrow()
    socket.send("still here")
    expect(String((await once(socket, "message"))[0])).toBe("still here")
    const closed = once(socket, "close")
    await door.close()
    await closed
  })
})
