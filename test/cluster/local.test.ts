/** The local cluster, `npm run cluster`: real processes, observed from outside; a stand-in for the server, then the server. */
import { once } from "node:events"
import { existsSync, readdirSync } from "node:fs"
import path from "node:path"
import { assert, it as itEffect } from "@effect/vitest"
import { Effect } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { type ClusterOptions, startCluster } from "../../scripts/cluster/client.mjs"
import { parseArguments } from "../../scripts/cluster/options.mjs"
import { familyOf, isRunning } from "../../scripts/services/processes.mjs"
import {
  cluster,
  clusterCommand,
  endClusters,
  eventually,
  noServices,
  openJournal,
  standInCluster,
  standInMain
} from "../support/cluster.ts"
import { cleanUp, identityOf, ownTempFolder, untilGone, untilRemoved } from "../support/keepers.ts"
import { services } from "../support/services.ts"

afterEach(async () => {
  await endClusters()
  await cleanUp()
})

/** So that the command starts none of its own. */
const given = async () => {
  const { databaseUrl, natsUrl, redisUrl } = await services()
  return { DATABASE_URL: databaseUrl, NATS_URL: natsUrl, REDIS_URL: redisUrl }
}
const withJournal = (more: NodeJS.ProcessEnv = {}) => {
  const journal = openJournal()
  return { journal, env: { ...process.env, STAND_IN_JOURNAL: journal.file, ...more } }
}
const whoAnswers = async (url: string): Promise<string> => {
  const answer: unknown = await (await fetch(url)).json()
  return typeof answer === "object" && answer !== null && "name" in answer ? String(answer.name) : ""
}

describe("a cluster", () => {
  it("migrates, then starts a node of each role and number, each with what it needs", async () => {
    const { env, journal } = withJournal()
    const { folder, frontDoor, nodes, url } = await standInCluster({ workers: 2, nodeOptions: ["--seed", "7"], env })
    expect(nodes.map(({ name }) => name)).toEqual([
      "workers-1",
      "workers-2",
      "market-1",
      "market-2",
      "market-3",
      "gateway-1",
      "gateway-2"
    ])
    expect(journal.lines()[0]).toMatch(/^migrate runs/)
    expect(journal.lines()).toHaveLength(8)
    for (const { name, role, url: own } of nodes) {
      expect((await fetch(`${own}/readyz`)).status).toBe(200)
      expect(await (await fetch(own)).json()).toEqual({
        name,
        role,
        options: ["--seed", "7", "--role", role, "--node", name]
      })
    }
    expect(frontDoor.spread()).toEqual({ "gateway-1": 0, "gateway-2": 0 })
    expect(new Set([await whoAnswers(url), await whoAnswers(url)])).toEqual(new Set(["gateway-1", "gateway-2"]))
    expect(readdirSync(folder)).toContain("market-3.log")
  })

  it("stops gateways first, then the others, and kills what does not end in its time", async () => {
    const { env, journal } = withJournal({ STAND_IN_DEAF: "market-2" })
    const { folder, nodes, said, stop } = await standInCluster({ drainSeconds: 3, env })
    const all = nodes.map(({ pid }) => identityOf(pid))
    // one that stands still is told too
    await nodes.find(({ name }) => name === "market-1")?.pause()
    await Promise.all([stop(), stop()])
    expect(all.filter(isRunning)).toEqual([])
    expect(existsSync(folder)).toBe(false)
    const last = journal.lines().findLastIndex((line) => /^gateway-\d ends/.test(line))
    const first = journal.lines().findIndex((line) => /^(market|workers).* is told/.test(line))
    expect(first).toBeGreaterThan(last)
    expect(journal.lines().filter((line) => line.endsWith(" ends"))).toHaveLength(5)
    expect(nodes.find(({ name }) => name === "market-2")?.isRunning).toBe(false)
    // what was asked for is no news
    expect(said.filter((line) => line.includes("ended"))).toEqual([])
  })

  it("goes on when a node is killed, says so in a line, and starts it again when asked", async () => {
    const { frontDoor, nodes, said, url } = await standInCluster({ markets: 1 })
    const victim = nodes.find(({ name }) => name === "gateway-1")
    assert(victim !== undefined)
    const { pid } = victim
    expect(await victim.kill()).toEqual({ code: null, signal: "SIGKILL" })
    expect(victim.isRunning).toBe(false)
    expect(said.filter((line) => line.includes("ended"))).toEqual([
      `gateway-1 (process ${pid}) ended: SIGKILL; its log: ${victim.logFile}`
    ])
    expect([await whoAnswers(url), await whoAnswers(url)]).toEqual(["gateway-2", "gateway-2"])
    await victim.restart()
    expect(victim.pid).not.toBe(pid)
    await eventually("back", () => frontDoor.isReady("gateway-1"))
    expect(new Set([await whoAnswers(url), await whoAnswers(url)])).toEqual(new Set(["gateway-1", "gateway-2"]))
    expect(victim.output().match(/"Ready"/g)).toHaveLength(2)
  })

  it("takes a paused gateway out, and in again", async () => {
    const { frontDoor, nodes, said, url } = await standInCluster({ markets: 0, workers: 0 })
    const paused = nodes[0]
    assert(paused !== undefined)
    await paused.pause()
    await eventually("out", () => !frontDoor.isReady(paused.name))
    expect([await whoAnswers(url), await whoAnswers(url)]).toEqual(["gateway-2", "gateway-2"])
    paused.resume()
    await eventually("in", () => frontDoor.isReady(paused.name))
    expect(said).toContain("gateway-1 takes no new connections: no answer")
    expect(said.at(-1)).toBe("gateway-1 takes connections")
  })

  it("tells what a node reports as an error", async () => {
    const { nodes, said } = await standInCluster({ gateways: 0, markets: 1, workers: 0 })
    await fetch(`${nodes[0]?.url}/error`)
    await eventually("told", () => said.includes("market-1: as asked"))
  })

  it.each(["migrate", "market-2"])("%s ends before it is ready: all is stopped, with its last lines", async (name) => {
    const { env, journal } = withJournal({ STAND_IN_FAILS: name })
    const TMPDIR = ownTempFolder()
    const failure = clusterCommand([], { ...(await given()), ...env, TMPDIR })
    expect(await failure.ended).toBe(1)
    expect(failure.said.err).toMatch(
      new RegExp(`^lzstock cluster: ${name} .*\\(exit code 3\\)\\. Its last lines:\\nlzstock: ${name} cannot\\n$`, "m")
    )
    expect(journal.alive()).toEqual([])
    await eventually("the folder goes", () => readdirSync(TMPDIR).length === 0)
  })

  it("that is given up while it starts leaves nothing", async () => {
    const { env, journal } = withJournal()
    const giveUp = new AbortController()
    const options: ClusterOptions = { main: standInMain, services: noServices, env, signal: giveUp.signal }
    const starting = startCluster(options).then(
      () => "started",
      (error: Error) => error.message
    )
    await eventually("some run", () => journal.lines().length > 1)
    giveUp.abort()
    expect(await starting).toBe("The cluster was stopped while it started.")
    expect(journal.alive()).toEqual([])
  })

  it("says which port it cannot have", async () => {
    const { url } = await standInCluster({ gateways: 1, markets: 0, workers: 0 })
    const options = { main: standInMain, services: noServices, port: Number(new URL(url).port) }
    await expect(startCluster(options)).rejects.toThrow(/cannot be the cluster's address .*EADDRINUSE.*--port/)
  })
})

describe("npm run cluster", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "shows where everything is; %s ends it with 0, and nothing is left",
    async (name) => {
      const TMPDIR = ownTempFolder()
      const { child, ended, said, table } = clusterCommand(["--gateways", "1", "--markets", "2"], {
        ...(await given()),
        TMPDIR
      })
      const { logs, nodes, url } = await table()
      expect(nodes.map((node) => node.name)).toEqual(["workers-1", "market-1", "market-2", "gateway-1"])
      for (const node of nodes) expect(await whoAnswers(node.url)).toBe(node.name)
      expect(await whoAnswers(url)).toBe("gateway-1")
      expect(readdirSync(logs)).toContain("market-2.log")
      child.kill(name)
      expect(await ended).toBe(0)
      expect(said.err).toMatch(/stopped\n$/)
      expect(nodes.filter((node) => isRunning(node.process))).toEqual([])
      expect(readdirSync(TMPDIR)).toEqual([])
    }
  )

  it("killed with -9, leaves nothing: no node, not even one that stands still, no service, no folder", async () => {
    const TMPDIR = ownTempFolder()
    const env = { TMPDIR, DATABASE_URL: "", REDIS_URL: "", NATS_URL: "" }
    const { child, ended, table } = clusterCommand([], env)
    const { logs, nodes } = await table()
    const folder = path.dirname(logs)
    const children = familyOf(child.pid ?? 0)
    expect(children.length).toBeGreaterThan(nodes.length + 3)
    if (process.platform === "linux") process.kill(nodes[1]?.process.pid ?? 0, "SIGSTOP")
    child.kill("SIGKILL")
    await ended
    await untilGone(children)
    await untilRemoved(folder)
    expect(readdirSync(TMPDIR)).toEqual([])
  })

  it("killed with -9 where the kernel does not see to it: the nodes do", async () => {
    // no setpriv to be found
    const { child, ended, table } = clusterCommand(["--markets", "1"], { ...(await given()), PATH: ownTempFolder() })
    const { nodes } = await table()
    child.kill("SIGKILL")
    await ended
    await untilGone(nodes.map((node) => node.process))
  })

  it("announces a death and goes on; with --restart there is a new process", async () => {
    const { shown, table } = clusterCommand(["--markets", "1", "--restart"], await given())
    const { nodes } = await table()
    const market = nodes.find(({ name }) => name === "market-1")
    assert(market !== undefined)
    process.kill(market.process.pid, "SIGKILL")
    await shown(
      new RegExp(`market-1 \\(process ${market.process.pid}\\) ended: SIGKILL; its log: \\S+market-1\\.log\n`)
    )
    const [, pid, url = ""] = await shown(/market-1 is back as process (\d+): (\S+)\n/)
    expect(pid).not.toBe(String(market.process.pid))
    expect(await whoAnswers(url)).toBe("market-1")
  })

  it("a signal while it starts: 0, and nothing is left", async () => {
    const { env, journal } = withJournal()
    const { child, ended, said } = clusterCommand([], { ...(await given()), ...env })
    await eventually("some run", () => journal.lines().length > 1)
    child.kill("SIGINT")
    expect(await ended).toBe(0)
    expect(said.out).toBe("")
    expect(journal.alive()).toEqual([])
  })

  it("a second signal ends it at once", async () => {
    const { env, journal } = withJournal({ STAND_IN_DEAF: "gateway-1" })
    const { child, ended, table } = clusterCommand(["--drain-seconds", "3600"], { ...(await given()), ...env })
    const { nodes } = await table()
    child.kill("SIGINT")
    await eventually("told", () => journal.lines().includes("gateway-1 is told to end"))
    // npm hands a Ctrl-C on: twice within half a second is once
    await eventually("ended", () => !child.kill("SIGINT"))
    expect(await ended).toBe(130)
    await untilGone(nodes.map((node) => node.process))
  })

  it("keeps its own options, and hands the others on", () => {
    const parse = (line: string, env = {}) => parseArguments(line.split(" "), env)
    expect(parse("--markets=5 --feed replay --data here --port 80 --restart --speed=max --drain-seconds 3")).toEqual({
      gateways: 2,
      markets: 5,
      workers: 1,
      port: 80,
      host: "127.0.0.1",
      drainSeconds: 3,
      persist: undefined,
      restart: true,
      main: undefined,
      nodeOptions: ["--feed", "replay", "--data", "here", "--speed=max"]
    })
    expect(parse("--seed 1", { LZSTOCK_PORT: "81" })).toMatchObject({ port: 81 })
    expect(parse("--markets 5 -h")).toBe("help")
    expect(() => parse("--gateways two")).toThrow('--gateways: "two" is not an integer, 1 to 64.')
    expect(() => parse("--persist --restart")).toThrow("--persist needs a value")
    expect(() => parse("--nats-url x")).toThrow("--nats-url is not an option of the cluster: set NATS_URL.")
  })
})

/** One request of Effect RPC over the WebSocket of a gateway; the line that answers it. */
const request = async (url: string, tag: string, payload: object | null = null): Promise<string> => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/rpc`)
  await once(socket, "open")
  socket.send(`${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: [] })}\n`)
  const answer = /.*"_tag":"Exit".*/
  let text = ""
  socket.on("message", (data) => {
    text += String(data)
  })
  await eventually(`an answer to ${tag}`, () => answer.test(text))
  socket.close()
  return answer.exec(text)?.[0] ?? ""
}

describe("the real server in it", () => {
  itEffect.live(
    "every role is ready; dashboard and WebSocket come through the one URL; all drain in time",
    () =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const { nodes, stop, url } = yield* cluster({
          nodeOptions: ["--symbols", "20"],
          say: (line) => said.push(line)
        })
        yield* Effect.promise(async () => {
          for (const { url: own } of nodes) {
            expect(await (await fetch(`${own}/readyz`)).text()).toBe("ready\n")
            expect(await (await fetch(`${own}/metrics`)).text()).toContain("effect_fibers_active")
          }
          const page = await (await fetch(url, { headers: { accept: "text/html" } })).text()
          expect(page).toMatch(/^<!doctype html>/i)
          const answers = [await request(url, "market.Status"), await request(url, "market.Status")]
          expect(answers.map((answer) => /"node":"(gateway-\d)"/.exec(answer)?.[1]).sort()).toEqual([
            "gateway-1",
            "gateway-2"
          ])
          await stop()
          expect(await Promise.all(nodes.map(({ exited }) => exited))).toEqual(
            nodes.map(() => ({ code: 0, signal: null }))
          )
        })
      }),
    120_000
  )
})
