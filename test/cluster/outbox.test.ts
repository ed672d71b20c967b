/** What happens to accounts is heard outside: from a sign-up over HTTP to the stream, also when its gateway is killed. */
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { subjectsOf } from "../../src/app/nats/subjects.ts"
import type { DomainEvent } from "../../src/rpc/events.ts"
import { accountPaths } from "../../src/rpc/investors.ts"
import { eventCodec } from "../../src/rpc/topicCodecs.ts"
import { startServer } from "../e2e/support/server.ts"
import { eventually } from "../support/cluster.ts"
import { connectTo, metricsOf, monitoredCluster } from "../support/monitoredNats.ts"

const PASSWORD = "correct battery horse"

/** Of the gateway's own page; the cookie that comes with the answer. */
const post = async (url: string, path: string, body: unknown, cookie = ""): Promise<string> => {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { origin: url, "content-type": "application/json", cookie },
    body: JSON.stringify(body)
  })
  expect(response.status, path).toBe(200)
  return response.headers.getSetCookie()[0]?.split(";", 1)[0] ?? ""
}
const signUp = (url: string, name: string) =>
  post(url, accountPaths.signUp, { email: `${name}@example.com`, password: PASSWORD })

it(
  "accounts that come and go are events in the stream, each once, whichever gateway dies",
  () =>
    Effect.gen(function* () {
      const { nats, nodes, prefix } = yield* monitoredCluster({
        gateways: 2,
        markets: 1,
        nodeOptions: ["--symbols", "3", "--sign-in", "required"]
      })
      const observer = yield* connectTo(nats.natsUrl, "observer")
      const [first, second] = nodes.filter(({ role }) => role === "gateway")
      if (first === undefined || second === undefined) return expect.fail("two gateways")
      yield* Effect.promise(async () => {
        const { streams } = await jetstreamManager(observer)
        const stream = subjectsOf(prefix).eventStream
        const stored = async (): Promise<ReadonlyArray<DomainEvent>> => {
          const { state } = await streams.info(stream)
          const all = Array.from({ length: state.messages }, (_, n) => streams.getMessage(stream, { seq: n + 1 }))
          return (await Promise.all(all)).map((message) => eventCodec.decode(message?.data ?? new Uint8Array()))
        }
        for (const name of ["ada", "grace", "edsger"]) await signUp(first.url, name)
        await first.kill("SIGKILL")
        const cookie = await signUp(second.url, "barbara")
        await post(second.url, accountPaths.delete, { password: PASSWORD }, cookie)
        await eventually("every event is in the stream", async () => (await stored()).length >= 5)
        await eventually("nothing is left", async () => (await metricsOf(second.url))("outbox_waiting") === 0)

        const events = await stored()
        expect(events.map(({ body }) => body._tag)).toEqual([
          ...["ada", "grace", "edsger", "barbara"].map(() => "investor.signed_up"),
          "investor.deleted"
        ])
        expect(new Set(events.map(({ id }) => id)).size).toBe(5)
        expect(new Set(events.map(({ body }) => body.investor)).size).toBe(4)
        expect(events[4]?.body.investor).toBe(events[3]?.body.investor)
        expect(JSON.stringify(events)).not.toMatch(/ada|grace|edsger|barbara|example/)
        const metrics = await metricsOf(second.url)
        expect([metrics("outbox_parked_total"), metrics("outbox_failures_total")]).toEqual([0, 0])
      })
    }).pipe(Effect.scoped, Effect.runPromise),
  120_000
)

it("in one process they leave the outbox as well", async () => {
  const server = await startServer(["--symbols", "3", "--sign-in", "required"])
  try {
    await signUp(server.url, "ada")
    await eventually("it has left", async () => {
      const metrics = await metricsOf(server.url)
      return metrics("outbox_published_total") === 1 && metrics("outbox_waiting") === 0
    })
  } finally {
    await server.stop()
  }
}, 60_000)
