/**
 * PostgreSQL, Redis and NATS for the whole run, on demand. Vitest's process listens on a loopback port and tells the tests
 * where (`services()` in services.ts asks there); the first question starts one keeper, and everyone gets its answer. So a
 * run of tests that need none starts none, without anybody having to know which those are, and there is never a second.
 */
import { createServer, type Socket } from "node:net"
import type { TestProject } from "vitest/node"
import { startServices } from "../../scripts/services/client.mjs"

declare module "vitest" {
  interface ProvidedContext {
    /** Port on 127.0.0.1. A connection is answered with one line of JSON, `ServicesAnswer`, and closed. */
    servicesPort: number
  }
}

export interface ServiceUrls {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly natsUrl: string
}

export type ServicesAnswer = { readonly urls: ServiceUrls } | { readonly error: string }

export default async (project: TestProject): Promise<() => Promise<void>> => {
  let keeper: ReturnType<typeof startServices> | undefined
  const answer = async (): Promise<ServicesAnswer> => {
    try {
      keeper ??= startServices()
      const { databaseUrl, natsUrl, redisUrl } = await keeper
      return { urls: { databaseUrl, natsUrl, redisUrl } }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.once("close", () => open.delete(socket))
    // a worker that was ended while it waited
    socket.on("error", () => {})
    void answer().then((text) => socket.end(`${JSON.stringify(text)}\n`))
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", resolve)
  })
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port for the services")
  project.provide("servicesPort", address.port)

  return async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of open) socket.destroy()
    await closed
    const started = await keeper?.catch(() => undefined)
    await started?.stop()
  }
}
