import { Deferred, Effect } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { bar, ScriptedMarket } from "../../../test/support/ScriptedMarket.ts"
import { connect, type MarketClient } from "../client.ts"
import type { Bar } from "../market.ts"
import type { BarsSubject } from "./types.ts"

const market = { current: new ScriptedMarket() }
const clients: Array<MarketClient> = []
const server = (): ScriptedMarket => market.current
beforeEach(async () => {
  market.current = new ScriptedMarket()
  await server().start()
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await server().stop()
})

const subject = { symbol: "AAPL", interval: "1m" } as const

/** Watches live bars; `count(n)` resolves with the first n told. */
const watchBars = (what: BarsSubject = subject) => {
  const client = connect({ url: server().url })
  clients.push(client)
  const seen: Array<Bar> = []
  let wake: () => void = () => {}
  client.watchBars(what, (told) => {
    seen.push(told)
    wake()
  })
  const count = async (n: number): Promise<ReadonlyArray<Bar>> => {
    while (seen.length < n) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return seen
  }
  return { client, count }
}
const restart = async () => {
  await server().stop()
  await server().start()
}
const forming = (time: number, volume: number): Bar => ({ ...bar(time), volume, final: false })

describe("live bars over a killed and restarted server", () => {
  it("go on with the last bar told, whole, and every bar after it, page by page, before the live ones", async () => {
    server().liveBars = [bar(10), forming(20, 7)]
    const { count } = watchBars()
    await count(2)
    expect(server().calls).toEqual([])

    await server().stop()
    server().pages = [
      [bar(50), forming(60, 1)],
      [bar(30), bar(40)],
      [bar(10), bar(20)]
    ]
    server().liveBars = [forming(60, 2), forming(70, 3)]
    await server().start()
    const seen = await count(8)
    expect(seen.slice(2)).toEqual([bar(20), bar(30), bar(40), bar(50), forming(60, 2), forming(70, 3)])
    expect(server().calls).toEqual([
      "Bars AAPL 1m from 20 before undefined",
      "Bars AAPL 1m from 20 before 50",
      "Bars AAPL 1m from 20 before 30"
    ])
  })

  it("are asked for again when the connection is lost before they came", async () => {
    server().liveBars = [bar(10)]
    const { client, count } = watchBars()
    await count(1)
    await server().stop()
    server().pagesReady = Effect.runSync(Deferred.make<void>())
    server().liveBars = [bar(40)]
    await server().start()
    // answered in order: what is on the wire before it has arrived
    await client.quote("AAPL")
    await server().stop()
    server().pagesReady = Effect.runSync(Deferred.make<void>())
    Effect.runSync(Deferred.succeed(server().pagesReady, undefined))
    server().pages = [[bar(10), bar(20), bar(30), bar(40), bar(50)]]
    server().liveBars = [bar(60)]
    await server().start()
    expect((await count(7)).map(({ time }) => time)).toEqual([10, 10, 20, 30, 40, 50, 60])
  })

  it("begin before the newest one where an older one was not final yet", async () => {
    server().liveBars = [forming(10, 1), forming(20, 1), bar(10), forming(30, 1)]
    const { count } = watchBars()
    await count(4)
    await server().stop()
    server().pages = [[bar(10), bar(20), bar(30)]]
    server().liveBars = [bar(30)]
    await server().start()
    expect((await count(6)).slice(4)).toEqual([bar(20), bar(30)])
  })

  it("of a server whose market is at an earlier time go on from there", async () => {
    server().liveBars = [bar(100)]
    const { count } = watchBars()
    await count(1)
    await server().stop()
    server().liveBars = [bar(20)]
    await server().start()
    await count(2)
    await server().stop()
    server().pages = [[bar(20), bar(30), bar(40)]]
    server().liveBars = [bar(40)]
    await server().start()
    expect((await count(5)).map(({ time }) => time)).toEqual([100, 20, 20, 30, 40])
  })
})

it("live bars begin where a page ended, if told where", async () => {
  server().pages = [[bar(10), bar(20), bar(30)]]
  server().liveBars = [forming(40, 1)]
  const { count } = watchBars({ ...subject, from: 20 })
  expect(await count(3)).toEqual([bar(20), bar(30), forming(40, 1)])
  await restart()
  expect((await count(4)).at(-1)).toEqual(forming(40, 1))
  expect(server().calls.at(-1)).toBe("Bars AAPL 1m from 40 before undefined")
})
