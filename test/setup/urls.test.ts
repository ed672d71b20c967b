/** What people are shown of the services' URLs: where they are, and nothing that is secret. */
import { describe, expect, it } from "vitest"
import { clusterTable } from "../../scripts/cluster/table.mjs"
import { givenServer } from "../../scripts/services/server.mjs"
import { placeOf } from "../../scripts/services/urls.mjs"

describe("of a service's URL", () => {
  it.each([
    ["postgres://me:s3cret@db.example:5432/stocks", "postgres://db.example:5432/stocks"],
    ["postgres://me@h/d?password=s3cret", "postgres://h/d"],
    ["postgres://me@h/d?password=s3,cret@x", "postgres://h/d"],
    ["postgres://me:s3cret@h1:1,h2:2/d", "postgres://h1:1,h2:2/d"],
    ["postgres:///stocks", "postgres:///stocks"],
    ["redis://:s3cret@[::1]:6379/0", "redis://[::1]:6379/0"],
    ["rediss://h", "rediss://h"],
    ["nats://s3cret@h", "nats://h"],
    ["nats://u:p@a,u:s3cret@b:4222", "nats://a,b:4222"],
    ["nats://u:s3@cret@a, nats://s3cret@b", "nats://a,nats://b"],
    ["127.0.0.1:4222,[::1]:4222", "127.0.0.1:4222,[::1]:4222"],
    // mistakes: secrets with characters that had to be encoded
    ["postgres://me:s3/cret@h/d", "***"],
    ["postgres://me:s3?cret@h/d", "***"],
    ["nats://me:12,34@h", "nats://***,h"],
    ["", "***"]
  ])("%s shows its scheme, hosts and database", (url, place) => {
    expect(placeOf(url)).toBe(place)
  })
})

describe("shown to nobody", () => {
  const secret = "s3cret"
  const databaseUrl = `postgres://me@127.0.0.1:1/d?password=${secret}`
  const natsUrl = `nats://${secret}@127.0.0.1:1`
  const redisUrl = `redis://:${secret}@127.0.0.1:1/0`

  it("in the cluster's table", () => {
    const cluster = {
      folder: "logs",
      nodes: [],
      url: "http://127.0.0.1:1",
      signIn: "local" as const,
      services: { databaseUrl, natsUrl, redisUrl }
    }
    const table = clusterTable(cluster, { colours: false, seconds: 1 })
    expect(table).toContain("postgres://127.0.0.1:1/d")
    expect(table).not.toContain(secret)
    expect(table).toMatch(/^ {2}Sign-in +none · whoever uses this machine/m)
    const required = clusterTable({ ...cluster, signIn: "accounts" }, { colours: false, seconds: 1 })
    expect(required).toMatch(/^ {2}Sign-in +accounts · everybody signs in/m)
  })

  it.each([
    ["postgres", databaseUrl],
    ["redis", redisUrl],
    ["nats", natsUrl]
  ] as const)("where the %s that is given does not answer", async (name, url) => {
    const why = await givenServer(name, url)
      .start()
      .then(
        () => "started",
        (error: Error) => error.message
      )
    expect(why).toContain("127.0.0.1:1")
    expect(why).toContain("cannot be used")
    expect(why).not.toContain(secret)
  })
})
