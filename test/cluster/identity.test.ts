/** Who is signed in at one gateway is at all of them, and nowhere once it has ended: over real Redis, PostgreSQL and NATS. */
import { Effect, Exit, Scope } from "effect"
import { Redis } from "ioredis"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import type { Cluster } from "../../scripts/cluster/client.mjs"
import { type ClientEvent, connect } from "../../src/rpc/client.ts"
import { accountPaths } from "../../src/rpc/investors.ts"
import { field, granted, metric, PASSWORD, Page, Peer, text, until } from "../support/attacker.ts"
import { cluster } from "../support/cluster.ts"
import { type OwnServices, ownServices } from "../support/services.ts"

vi.setConfig({ testTimeout: 60_000 })

const scope = Scope.makeUnsafe()
const running: { cluster?: Cluster; services?: OwnServices<"postgres" | "redis" | "nats"> } = {}
beforeAll(async () => {
  const opened = Effect.gen(function* () {
    const services = yield* ownServices()
    const { databaseUrl, natsUrl, redisUrl } = services
    const started = yield* cluster({
      markets: 1,
      services: { databaseUrl, natsUrl, redisUrl },
      nodeOptions: ["--symbols", "5", "--sign-in", "required", "--max-address-upgrades", "1000"]
    })
    return { services, cluster: started }
  })
  Object.assign(running, await Effect.runPromise(Scope.provide(opened, scope)))
}, 120_000)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), 60_000)

const gateways = (): readonly [string, string] => {
  const [one, two] = (running.cluster?.nodes ?? []).filter(({ role }) => role === "gateway")
  if (one === undefined || two === undefined) throw new Error("two gateways are needed")
  return [one.url, two.url]
}
const control = (service: "redis" | "nats", action: "pause" | "continue" | "stop" | "start") => {
  const { services } = running
  if (services === undefined) throw new Error("no services")
  return Effect.runPromise(services.control(service, action))
}

let people = 0
/** Signed in at the first gateway; the same browser at the second. */
const somebody = async () => {
  const [one, two] = gateways()
  const email = `user${++people}@example.com`
  const here = new Page(one)
  expect((await here.signUp(email)).status).toBe(200)
  const there = new Page(two, here.cookie)
  return { email, here, there }
}
const redisUrl = (): string => {
  const { services } = running
  if (services === undefined) throw new Error("no services")
  return services.redisUrl
}
const known = async (page: Page) => {
  const peer = await page.open()
  granted(await peer.ask("investors.Me"))
  return peer
}
/** Until the other node closes it; how long that took is only told. */
const endsWithin = async (peers: ReadonlyArray<Peer>, what: string, act: () => Promise<unknown>) => {
  const started = performance.now()
  const closing = Promise.all(
    peers.map((peer) => peer.closed.then(({ code }) => [code, performance.now() - started] as const))
  )
  await act()
  const closed = await closing
  expect(closed.map(([code]) => code)).toEqual(peers.map(() => 4401))
  console.log(`${what}: closed on both nodes after ${Math.max(...closed.map(([, millis]) => millis)).toFixed(0)} ms`)
}

describe("two gateways", () => {
  it("know the same cookie, token and ticket; a ticket is taken once, by either", async () => {
    const { here, there } = await somebody()
    const [one, two] = gateways()
    const browser = await known(there)
    const secret = text(
      granted(await browser.ask("investors.CreateToken", { name: "x", access: "read", days: 1 })),
      "secret"
    )
    const program = await Peer.open(one)
    granted(await program.showToken(secret))
    const ticket = text(granted(await program.ask("investors.Ticket")), "ticket")
    const peers = await Promise.all([one, two, one, two].map((url) => Peer.open(url)))
    const outcomes = await Promise.all(peers.map((peer) => peer.showTicket(ticket)))
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
    expect(field((await here.post(accountPaths.state, {})).body, "investor")).not.toBeNull()
    for (const peer of [browser, program, ...peers]) peer.ws.terminate()
  })

  it("close what stood on a sign-in, a token or an account that ended at the other", async () => {
    const { email, here, there } = await somebody()
    const sockets = async () => [await known(here), await known(there)]
    const maker = await known(here)
    const made = granted(await maker.ask("investors.CreateToken", { name: "x", access: "read", days: 1 }))
    const [one, two] = gateways()
    const programs = [await Peer.open(one), await Peer.open(two)]
    for (const program of programs) granted(await program.showToken(text(made, "secret")))
    await endsWithin(programs, "revoked token", () =>
      maker.ask("investors.RevokeToken", { id: text(field(made, "token"), "id") })
    )
    await endsWithin([maker, ...(await sockets())], "sign-out", () => here.post(accountPaths.signOut, {}))

    await here.signIn(email)
    there.cookie = here.cookie
    const elsewhere = new Page(two)
    await elsewhere.signIn(email)
    await endsWithin([...(await sockets()), await known(elsewhere)], "password change", () =>
      here.post(accountPaths.changePassword, { current: PASSWORD, next: "something else entirely" })
    )

    there.cookie = here.cookie
    await endsWithin(await sockets(), "sign-out everywhere", async () => {
      const peer = await known(here)
      granted(await peer.ask("investors.SignOutEverywhere", { tokens: true }))
    })

    await here.signIn(email, "something else entirely")
    there.cookie = here.cookie
    await endsWithin(await sockets(), "deletion", () =>
      here.post(accountPaths.delete, { password: "something else entirely" })
    )
  })

  it("have one connection to Redis each, as every node has", async () => {
    const redis = new Redis(redisUrl())
    const connections = await redis.call("CLIENT", "LIST")
    await redis.quit()
    expect(String(connections).match(/ name=lzstock /g)).toHaveLength(running.cluster?.nodes.length ?? 0)
  })

  it("count attempts together", async () => {
    const [one, two] = gateways()
    const answers: Array<string> = []
    for (let i = 0; i < 11; i++) {
      const { body } = await new Page(i % 2 === 0 ? one : two).signIn("nobody@example.com", "wrong wrong wrong")
      answers.push(text(body, "error"))
    }
    expect(answers.slice(-2)).toEqual(["SignInRefused", "LimitExceeded"])
  })
})

describe("a gateway that is stopped", () => {
  it("is not ready, tells its clients when to come back, and ends in time; they go on at the other", async () => {
    const { cluster: whole } = running
    if (whole === undefined) throw new Error("no cluster")
    const { here } = await somebody()
    const maker = await known(here)
    const secret = text(
      granted(await maker.ask("investors.CreateToken", { name: "x", access: "read", days: 1 })),
      "secret"
    )
    maker.ws.terminate()
    const said: Array<ClientEvent> = []
    const client = connect({ url: whole.url, token: secret })
    const heard = new Set<() => void>()
    client.watch({ symbols: ["AAPL", "MSFT"], conflation: 0 }, (events) => {
      said.push(...events)
      for (const wake of heard) wake()
    })
    const until = (tag: ClientEvent["_tag"]) =>
      new Promise<ClientEvent>((resolve) => {
        const look = () => {
          const found = said.find((event) => event._tag === tag)
          if (found !== undefined) resolve(found)
        }
        heard.add(look)
        look()
      })
    await until("Snapshot")
    const holders = await Promise.all(
      whole.nodes
        .filter(({ role }) => role === "gateway")
        .map(async (node) => ({ node, sessions: await metric(node.url, "sessions_active") }))
    )
    const holder = holders.find(({ sessions }) => sessions > 0)?.node
    if (holder === undefined) throw new Error("no gateway has the session")
    const { code } = await holder.kill("SIGTERM")
    expect(code).toBe(0)
    expect(await until("Draining")).toMatchObject({ retryAfterMillis: expect.any(Number) })
    expect(await until("Disconnected")).toMatchObject({ code: 1012 })
    await until("Resumed")
    expect(client.state.status).toBe("open")
    expect(await client.account.me()).toMatchObject({ via: "token", access: "read" })
    await client.close()
    await holder.restart()
  })
})

describe("without NATS", () => {
  it("what ended at one gateway ends at the other as soon as they hear from each other again", async () => {
    const { here, there } = await somebody()
    const other = await somebody()
    const [local, remote, bystander] = [await known(here), await known(there), await known(other.there)]
    await control("nats", "stop")
    expect((await here.post(accountPaths.signOut, {})).status).toBe(200)
    expect((await local.closed).code).toBe(4401)
    expect(remote.ws.readyState).toBe(remote.ws.OPEN)
    await control("nats", "start")
    expect((await remote.closed).code).toBe(4401)
    granted(await bystander.ask("investors.Me"))
    bystander.ws.terminate()
  })
})

describe("without Redis", () => {
  it("who is connected stays so; who comes is told to try again, and nobody is let in unseen", async () => {
    const { email, here, there } = await somebody()
    const connected = await known(there)
    await control("redis", "pause")
    granted(await connected.ask("investors.Me"))
    const coming = await here.open()
    expect((await coming.closed).code).toBe(1013)
    const state = await here.post(accountPaths.state, {})
    expect([state.status, text(state.body, "error")]).toEqual([503, "Unavailable"])
    expect((await new Page(here.url).signIn(email)).status).toBe(503)
    await control("redis", "continue")
    await until(async () => (await metric(here.url, "redis_connected")) === 1)
    await until(async () => (await here.post(accountPaths.state, {})).status === 200)
    const back = await known(here)
    for (const peer of [connected, back]) peer.ws.terminate()
  })

  it("that has forgotten everything, everybody signs in again", async () => {
    const { email, here } = await somebody()
    await control("redis", "stop")
    await control("redis", "start")
    await until(async () => (await here.post(accountPaths.state, {})).status === 200)
    expect(field((await here.post(accountPaths.state, {})).body, "investor")).toBeNull()
    expect((await here.signIn(email)).status).toBe(200)
    const back = await known(here)
    back.ws.terminate()
  })
})
