/** The keeper of PostgreSQL, Redis and NATS: real servers, observed from outside. */
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import path from "node:path"
import { assert, it as itEffect } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { startServices } from "../../scripts/services/client.mjs"
import { ensureServices } from "../../scripts/services/find.mjs"
import { openFolder, otherUser } from "../../scripts/services/folder.mjs"
import { withoutDaemons } from "../../scripts/services/install.mjs"
import { probeRedis } from "../../scripts/services/probe.mjs"
import { isFrozen, isRunning } from "../../scripts/services/processes.mjs"
import { freePort, makeServer } from "../../scripts/services/server.mjs"
import {
  bystander,
  caller,
  cleanUp,
  command,
  families,
  identityOf,
  keeper,
  ownTempFolder,
  query,
  store,
  untilGone,
  untilRemoved,
  untilStarted,
  withRedis
} from "../support/keepers.ts"
import { freshDatabase, freshPrefix, ownServices, services } from "../support/services.ts"

afterEach(cleanUp)

describe("a keeper", () => {
  it("starts servers that answer, and stops exactly those when its caller is done", async () => {
    const other = await keeper(["redis"])
    const started = await keeper(["postgres", "redis", "nats"])
    expect(await query(started.databaseUrl, "SHOW listen_addresses")).toEqual([{ listen_addresses: "127.0.0.1" }])
    expect(await query(started.databaseUrl, "SHOW max_connections")).toEqual([{ max_connections: "200" }])
    expect(await withRedis(started.redisUrl, (redis) => redis.ping())).toBe("PONG")
    expect(await store(started.natsUrl, "first")).toBe(1)
    const all = families(started)
    // PostgreSQL has children
    expect(all.length).toBeGreaterThan(5)
    expect(all.every(isRunning)).toBe(true)

    await started.stop()
    expect(all.filter(isRunning)).toEqual([])
    expect(existsSync(started.folder)).toBe(false)
    expect(await withRedis(other.redisUrl, (redis) => redis.ping())).toBe("PONG")
  })

  it.each(["SIGTERM", "SIGINT"] as const)("stops and exits with 0 on %s", async (name) => {
    const { child, ended, firstLine } = command(["--only", "redis,nats"], { REDIS_URL: "", NATS_URL: "" })
    const { folder, pids } = JSON.parse(String((await firstLine)[0]))
    const all = families({ pids })
    child.kill(name)
    expect((await ended).code).toBe(0)
    expect(all.filter(isRunning)).toEqual([])
    expect(existsSync(folder)).toBe(false)
  })

  it("stops in the middle of its start", async () => {
    const TMPDIR = ownTempFolder()
    const { child, ended } = command([], { TMPDIR, DATABASE_URL: "", REDIS_URL: "", NATS_URL: "" })
    await untilStarted(TMPDIR, "postgres.log")
    child.stdin.end()
    expect(await ended).toEqual({ code: 0, out: "", err: "" })
    expect(readdirSync(TMPDIR)).toEqual([])
  })

  it("goes with its caller, killed with -9, and everything with it", async () => {
    const { child, folder, keeperPid, pids } = await caller(["postgres", "redis", "nats"])
    const all = [identityOf(keeperPid), ...families({ pids })]
    child.kill("SIGKILL")
    await untilGone(all)
    await untilRemoved(folder)
  })

  it("killed with -9, takes its servers along; the next one removes the folder", async () => {
    const env = { ...process.env, TMPDIR: ownTempFolder() }
    const started = await keeper(["postgres", "redis", "nats"], { env })
    const all = families(started)
    process.kill(started.keeperPid, "SIGKILL")
    await untilGone(all)
    expect(existsSync(started.folder)).toBe(true)
    await keeper(["redis"], { env })
    expect(existsSync(started.folder)).toBe(false)
  })

  it("killed with -9 while its servers stand still, leaves them to the next one", async () => {
    const env = { ...process.env, TMPDIR: ownTempFolder() }
    const started = await keeper(["postgres", "nats"], { env })
    const all = families(started)
    const itself = identityOf(started.keeperPid)
    await started.control("postgres", "pause")
    process.kill(itself.pid, "SIGKILL")
    await untilGone([itself])
    await keeper(["redis"], { env })
    expect(all.filter(isRunning)).toEqual([])
    expect(existsSync(started.folder)).toBe(false)
  })

  it("touches no process that merely has a pid from a dead keeper's file, and no folder of a live one", async () => {
    const TMPDIR = ownTempFolder()
    const foreign = bystander()
    const reused = { pid: foreign.pid, startTime: "another boot:1" }
    const put = (name: string, record: object) => {
      mkdirSync(path.join(TMPDIR, name))
      writeFileSync(path.join(TMPDIR, name, "keeper.json"), JSON.stringify(record))
    }
    put("lzstock-services-dead", { keeper: reused, servers: { redis: reused, nats: { pid: 1, startTime: "" } } })
    put("lzstock-services-live", { keeper: foreign, servers: {} })
    put("somebody-elses", { keeper: reused, servers: { redis: foreign } })
    const { folder } = await keeper(["redis"], { env: { ...process.env, TMPDIR } })
    expect(isRunning(foreign)).toBe(true)
    expect(readdirSync(TMPDIR).sort()).toEqual(
      [path.basename(folder), "lzstock-services-live", "somebody-elses"].sort()
    )
  })
})

describe("where services come from", () => {
  it("nowhere: says what to install or which variable to set", async () => {
    const env = { LZSTOCK_SERVICES_PATH: "", PATH: process.env.PATH }
    await expect(startServices({ only: ["postgres", "nats"], own: true, env })).rejects.toThrow(
      /^lzstock services: PostgreSQL, NATS: no server found\.\nInstall it \(.*apt-get install postgresql nats-server;.*\), or set DATABASE_URL \(PostgreSQL\), NATS_URL \(NATS\) to a server of yours\.$/
    )
  })

  it("programs of one folder, the first that has them all", async () => {
    const folder = ownTempFolder()
    const program = (...parts: ReadonlyArray<string>) => {
      const file = path.join(folder, ...parts)
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, "#!/bin/sh\n")
      chmodSync(file, 0o755)
      return file
    }
    program("old", "postgres")
    const [initdb, postgres] = [program("new", "initdb"), program("new", "postgres")]
    const env = { LZSTOCK_SERVICES_PATH: ["old", "new"].map((one) => path.join(folder, one)).join(path.delimiter) }
    expect(await ensureServices({ only: ["postgres"], env })).toEqual([
      { name: "postgres", source: { programs: { initdb, postgres } } }
    ])
  })

  it("a variable: used as it is, neither started nor stopped", async () => {
    const { redisUrl } = await keeper(["redis"])
    const env = { ...process.env, REDIS_URL: redisUrl, LZSTOCK_SERVICES_PATH: "" }
    const given = await keeper(["redis"], { own: false, env })
    expect(given.redisUrl).toBe(redisUrl)
    expect(given.pids).toEqual({})
    await expect(given.control("redis", "stop")).rejects.toThrow(
      "Redis is the one REDIS_URL names: not ours to start or stop."
    )
    await given.stop()
    expect(await withRedis(redisUrl, (redis) => redis.ping())).toBe("PONG")
  })

  it("a variable with nobody there: says so, without the password", async () => {
    const { natsUrl } = await keeper(["nats"])
    const nats = new URL(natsUrl).host
    const message = async (variable: string, url: string, only: "postgres" | "redis" | "nats") =>
      startServices({ only: [only], env: { ...process.env, [variable]: url } }).then(
        () => "started",
        (error: Error) => error.message.split("\n")[0]
      )
    expect(await message("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/x", "postgres")).toBe(
      "lzstock services: DATABASE_URL is postgres://127.0.0.1:1/x, which cannot be used: connect ECONNREFUSED 127.0.0.1:1."
    )
    expect(await message("REDIS_URL", `redis://${nats}`, "redis")).toContain("which cannot be used: INFO {")
    expect(await message("DATABASE_URL", `postgres://${nats}`, "postgres")).toContain("is not a PostgreSQL")
    expect(await message("NATS_URL", "127.0.0.1:1", "nats")).toContain("ECONNREFUSED")
    // of a list, one is enough
    expect(
      (await keeper(["nats"], { own: false, env: { ...process.env, NATS_URL: `127.0.0.1:1,${nats}` } })).pids
    ).toEqual({})
  })

  it("another port, when the chosen one was taken meanwhile", async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const address = taken.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    const { redisUrl } = await keeper(["redis"])
    // the second is worse: a server of the same kind answers there
    const ports = [address.port, Number(new URL(redisUrl).port)]
    const folder = await openFolder(undefined)
    const [found] = await ensureServices({ only: ["redis"], env: { ...process.env, REDIS_URL: "" } })
    const server = makeServer({
      name: "redis",
      programs: found?.source.programs ?? {},
      folder,
      say: () => {},
      pickPort: async () => ports.shift() ?? freePort()
    })
    try {
      await server.start()
      expect(ports).toEqual([])
      expect(await probeRedis(server.url(), 5000)).toBe(server.pid())
    } finally {
      await server.close()
      folder.close()
      taken.close()
    }
  })
})

describe("a server in a fault test", () => {
  it("comes back in place with its data: PostgreSQL and JetStream after a stop and after a kill, Redis empty", async () => {
    const own = await keeper(["postgres", "redis", "nats"])
    await query(own.databaseUrl, "CREATE TABLE kept (n int)")
    await withRedis(own.redisUrl, (redis) => redis.set("key", "value"))
    await store(own.natsUrl, "kept")
    for (const [round, action] of (["stop", "kill"] as const).entries()) {
      const before = families(own)
      for (const service of ["postgres", "redis", "nats"] as const) await own.control(service, action)
      if (round === 0) expect(before.filter(isRunning)).toEqual([])
      await Promise.all((["postgres", "redis", "nats"] as const).map((service) => own.control(service, "start")))
      await query(own.databaseUrl, `INSERT INTO kept VALUES (${round})`)
      expect(await store(own.natsUrl, "kept")).toBe(round + 2)
      expect(await withRedis(own.redisUrl, (redis) => redis.get("key"))).toBeNull()
    }
    expect(await query(own.databaseUrl, "SELECT n FROM kept ORDER BY n")).toEqual([{ n: 0 }, { n: 1 }])
  })

  it("stands still with all its children and goes on", async () => {
    const own = await keeper(["postgres", "redis"])
    const family = families(own)
    for (const service of ["postgres", "redis"] as const) await own.control(service, "pause")
    expect(family.every(isFrozen)).toBe(true)
    await expect(probeRedis(own.redisUrl, 100)).rejects.toThrow("no answer within 0.1 s")
    for (const service of ["postgres", "redis"] as const) await own.control(service, "continue")
    expect(await withRedis(own.redisUrl, (redis) => redis.ping())).toBe("PONG")
    expect(await query(own.databaseUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }])
    expect(family.filter(isRunning).filter(isFrozen)).toEqual([])
  })

  it("stops in good order even while it stands still", async () => {
    const own = await keeper(["postgres", "redis"])
    await own.control("postgres", "pause")
    await own.control("postgres", "stop")
    await own.control("postgres", "start")
    expect(readFileSync(path.join(own.folder, "postgres.log"), "utf8")).not.toContain("not properly shut down")
    for (const service of ["postgres", "redis"] as const) await own.control(service, "pause")
    const all = families(own)
    await own.stop()
    expect(all.filter(isRunning)).toEqual([])
  })

  it("cannot do what makes no sense: says so", async () => {
    const own = await keeper(["redis"])
    await own.control("redis", "stop")
    await own.control("redis", "stop")
    await expect(own.control("redis", "pause")).rejects.toThrow("Redis is not running.")
    await expect(own.control("nats", "stop")).rejects.toThrow('no service "nats" here')
    await own.stop()
    await expect(own.control("redis", "start")).rejects.toThrow("gone")
  })
})

describe("--persist", () => {
  it("keeps the data from one keeper to the next, also one killed with -9; one keeper at a time", async () => {
    const persist = path.join(ownTempFolder(), "cluster")
    const only = ["postgres", "redis", "nats"] as const
    const first = await keeper(only, { persist })
    await query(first.databaseUrl, "CREATE TABLE kept AS SELECT 7 AS n")
    await withRedis(first.redisUrl, (redis) => redis.set("key", "value"))
    await store(first.natsUrl, "kept")
    expect(await query(first.databaseUrl, "SHOW fsync")).toEqual([{ fsync: "on" }])
    await expect(keeper(only, { persist })).rejects.toThrow(`in use by process ${first.keeperPid}`)
    await first.stop()

    const second = await keeper(only, { persist })
    expect(await query(second.databaseUrl, "SELECT n FROM kept")).toEqual([{ n: 7 }])
    expect(await withRedis(second.redisUrl, (redis) => redis.get("key"))).toBe("value")
    expect(await store(second.natsUrl, "kept")).toBe(2)
    const itself = identityOf(second.keeperPid)
    process.kill(itself.pid, "SIGKILL")
    await untilGone([itself])

    const third = await keeper(only, { persist })
    expect(await query(third.databaseUrl, "SELECT n FROM kept")).toEqual([{ n: 7 }])
    expect(await store(third.natsUrl, "kept")).toBe(3)
  })
})

describe("--persist, after the machine went down", () => {
  it("starts although another process has the pid in postmaster.pid by now", async () => {
    const persist = path.join(ownTempFolder(), "cluster")
    await (await keeper(["postgres"], { persist })).stop()
    const foreign = bystander(otherUser())
    writeFileSync(path.join(persist, "postgres", "postmaster.pid"), `${foreign.pid}\n`)
    const { databaseUrl } = await keeper(["postgres"], { persist })
    expect(await query(databaseUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }])
    expect(isRunning(foreign)).toBe(true)
  })
})

describe("an installation", () => {
  /** The exit code dpkg's scripts get before they start a daemon. */
  const policyOf = (file: string) => spawnSync(file, ["redis-server", "start"]).status

  it("starts no daemons while it runs, and leaves the machine's policy as it was", () => {
    const file = path.join(ownTempFolder(), "policy-rc.d")
    expect(withoutDaemons(() => policyOf(file), file)).toBe(101)
    expect(existsSync(file)).toBe(false)

    const permissive = "#!/bin/sh\nexit 104\n"
    writeFileSync(file, permissive, { mode: 0o755 })
    expect(() =>
      withoutDaemons(() => {
        expect(policyOf(file)).toBe(101)
        throw new Error("apt-get")
      }, file)
    ).toThrow("apt-get")
    expect(readFileSync(file, "utf8")).toBe(permissive)
  })

  it("that was killed half-way forbids nothing afterwards, and the next one clears up", () => {
    const file = path.join(ownTempFolder(), "policy-rc.d")
    const permissive = "#!/bin/sh\nexit 104\n"
    writeFileSync(file, permissive, { mode: 0o755 })
    let left = ""
    withoutDaemons(() => {
      left = readFileSync(file, "utf8")
    }, file)
    // as if its process had been killed: the file stands, the process does not
    writeFileSync(`${file}.lzstock-kept`, permissive, { mode: 0o755 })
    writeFileSync(file, left.replace(String(process.pid), "999999999"), { mode: 0o755 })
    expect(policyOf(file)).toBe(104)
    expect(withoutDaemons(() => policyOf(file), file)).toBe(101)
    expect(readFileSync(file, "utf8")).toBe(permissive)
    expect(readdirSync(path.dirname(file))).toEqual(["policy-rc.d"])
  })
})

describe("in tests", () => {
  itEffect.effect("services are one for the run, and a database lives as long as its Scope", () =>
    Effect.gen(function* () {
      const urls = yield* Effect.promise(services)
      assert.deepEqual(yield* Effect.promise(services), urls)
      const scope = yield* Scope.make()
      const url = yield* freshDatabase.pipe(Scope.provide(scope))
      const name = new URL(url).pathname.slice(1)
      const exists = Effect.promise(() =>
        query(urls.databaseUrl, `SELECT 1 FROM pg_database WHERE datname = '${name}'`)
      )
      assert.lengthOf(yield* exists, 1)
      yield* Effect.promise(() => query(url, "CREATE TABLE mine (n int)"))
      yield* Scope.close(scope, Exit.void)
      assert.lengthOf(yield* exists, 0)
    })
  )

  itEffect.effect("prefixes differ, and are one token each", () =>
    Effect.sync(() => {
      assert.notStrictEqual(freshPrefix("a b.c"), freshPrefix("a b.c"))
      assert.match(freshPrefix("a b.c"), /^a-b-c[A-Za-z0-9_-]+$/)
    })
  )

  itEffect.effect("own servers end with their Scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const own = yield* ownServices(["redis", "nats"]).pipe(Scope.provide(scope))
      const all = families(own)
      yield* own.control("redis", "kill")
      yield* own.control("redis", "start")
      assert.strictEqual(yield* Effect.promise(() => withRedis(own.redisUrl, (redis) => redis.ping())), "PONG")
      yield* Scope.close(scope, Exit.void)
      assert.isEmpty(all.filter(isRunning))
    })
  )
})
