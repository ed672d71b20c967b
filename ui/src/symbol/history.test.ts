import { createRoot } from "solid-js"
import { describe, expect, it } from "vitest"
import type { Bar, BarsPage } from "../../../src/rpc/market.ts"
import { type HistoryChange, makeHistory } from "./history.ts"

const bar = (time: number, more: Partial<Bar> = {}): Bar => ({
  time,
  open: 10,
  high: 11,
  low: 9,
  close: 10,
  volume: 1,
  trades: 1,
  final: true,
  revision: 0,
  ...more
})
const MINUTE = 60_000
/** 16:00 in New York, 7 October 2013. */
const close = Date.UTC(2013, 9, 7, 20)

const setup = async (first: ReadonlyArray<Bar>) => {
  const changes: Array<HistoryChange> = []
  const frames: Array<() => void> = []
  let onBar: (told: Bar) => void = () => {}
  let onError: (failure: Error) => void = () => {}
  const asked: Array<number | undefined> = []
  const client: Parameters<typeof makeHistory>[0] = {
    bars: async ({ before, interval, symbol }): Promise<BarsPage> => {
      asked.push(before)
      return { symbol, interval, bars: before === undefined ? first : [], before: null, label: "SIMULATED" }
    },
    watchBars: (_, listener) => {
      if (typeof listener !== "function") {
        onBar = listener.onBar
        onError = listener.onError ?? onError
      }
      return { close: () => {} }
    }
  }
  const history = createRoot(() =>
    makeHistory(
      client,
      () => close,
      (task) => frames.push(task),
      (change) => changes.push(change)
    )
  )
  await history.load({ symbol: "A", range: "1D", interval: "1m" })
  return {
    history,
    changes,
    asked,
    tell: (...bars: ReadonlyArray<Bar>) => {
      for (const one of bars) onBar(one)
    },
    fail: (message: string) => onError(new Error(message)),
    frame: () => {
      for (const task of frames.splice(0)) task()
    }
  }
}

describe("a chart's bars", () => {
  it("take all that was told since the last frame in one go", async () => {
    const { changes, frame, history, tell } = await setup([bar(close - MINUTE), bar(close)])
    tell(
      bar(close + MINUTE, { revision: 1 }),
      bar(close, { close: 12 }),
      bar(close + MINUTE, { close: 13, revision: 2 })
    )
    expect(history.count()).toBe(2)
    frame()
    expect(history.bars().map((one) => one.close)).toEqual([10, 12, 13])
    expect(history.revised()).toBe(1)
    expect(changes.map(({ kind }) => kind)).toEqual(["range", "live"])
    frame()
    expect(changes).toHaveLength(2)
  })

  it("show the new day when one begins", async () => {
    const { changes, frame, history, tell } = await setup([bar(close)])
    expect(history.start()).toBe(Date.UTC(2013, 9, 7, 4))
    tell(bar(close + 17 * 60 * MINUTE))
    frame()
    expect(changes.at(-1)).toEqual({ kind: "day" })
    expect(history.start()).toBe(Date.UTC(2013, 9, 8, 4))
  })

  it("stay bounded as live ones come, and what went can be fetched again", async () => {
    const { asked, changes, frame, history, tell } = await setup([bar(close)])
    expect(history.hasOlder()).toBe(false)
    tell(...Array.from({ length: 10_600 }, (_, i) => bar(close + (i + 1) * 1_000, { revision: i === 0 ? 1 : 0 })))
    frame()
    expect(history.count()).toBe(10_000)
    expect(history.revised()).toBe(0)
    expect(history.hasOlder()).toBe(true)
    expect(changes.at(-1)).toMatchObject({ kind: "live", trimmed: true })
    await history.loadOlder()
    expect(asked.at(-1)).toBe(history.bars()[0]?.time)
  })

  it("say when no more come", async () => {
    const { fail, history } = await setup([bar(close)])
    expect(history.stopped()).toBeNull()
    fail("unknown symbol")
    expect(history.stopped()).toBe("unknown symbol")
    expect(history.error()).toBeNull()
    await history.load({ symbol: "A", range: "1D", interval: "1m" })
    expect(history.stopped()).toBeNull()
  })
})
