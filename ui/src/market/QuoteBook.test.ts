import { describe, expect, it } from "vitest"
import { makeQuoteBook, type Quote } from "./QuoteBook.ts"

const quote = (symbol: string, seq: number, folded = 0): Quote => ({
  symbol,
  epoch: 1,
  seq,
  last: seq,
  lastSize: 1,
  previousClose: null,
  open: null,
  high: null,
  low: null,
  volume: 0,
  trades: 0,
  bid: null,
  bidSize: 0,
  ask: null,
  askSize: 0,
  session: "regular",
  halted: false,
  exchangeTime: 0,
  ingestTime: 0,
  folded,
  sentTime: 0
})

const setup = () => {
  const tasks: Array<() => void> = []
  const book = makeQuoteBook((task) => tasks.push(task))
  const painted: Array<readonly [string, number, number | undefined]> = []
  const watch = (symbol: string) => book.onPaint(symbol, (now, before) => painted.push([symbol, now.seq, before?.seq]))
  const frame = () => {
    for (const task of tasks.splice(0)) task()
  }
  return { book, painted, watch, frame, tasks }
}

describe("QuoteBook", () => {
  it("paints a symbol once per frame, with its newest state", () => {
    const { book, painted, watch, frame, tasks } = setup()
    watch("A")
    for (let seq = 1; seq <= 10; seq++) book.offer(quote("A", seq))
    expect(painted).toEqual([])
    expect(tasks).toHaveLength(1)
    frame()
    expect(painted).toEqual([["A", 10, undefined]])
    book.offer(quote("A", 11))
    frame()
    expect(painted.at(-1)).toEqual(["A", 11, 10])
    frame()
    expect(painted).toHaveLength(2)
  })
  it("tells only the painters of symbols that changed, and none after they leave", () => {
    const { book, painted, watch, frame } = setup()
    const leave = watch("A")
    watch("B")
    book.offer(quote("B", 1))
    frame()
    leave()
    book.offer(quote("A", 1))
    frame()
    expect(painted).toEqual([["B", 1, undefined]])
    expect(book.shown("A")?.seq).toBe(1)
  })
  it("shows a late-coming painter what is known", () => {
    const { book, painted, watch, frame } = setup()
    book.offer(quote("A", 4))
    frame()
    watch("A")
    expect(painted).toEqual([["A", 4, undefined]])
  })
  it("holds still while frozen, counts what waits, and catches up in one frame", () => {
    const { book, painted, watch, frame } = setup()
    watch("A")
    book.offer(quote("A", 1))
    frame()
    book.offer(quote("A", 2))
    book.setFrozen(true)
    frame()
    book.offer(quote("A", 3, 7))
    book.offer(quote("B", 1))
    frame()
    expect(painted).toHaveLength(1)
    expect(book.waiting()).toBe(1)
    book.setFrozen(false)
    frame()
    expect(painted.at(-1)).toEqual(["A", 3, 1])
    expect(book.counters()).toEqual({ events: 4, folded: 7, frames: 3 })
  })
  it("shows a symbol once that comes on screen while frozen, then holds it too", () => {
    const { book, painted, watch, frame } = setup()
    book.setFrozen(true)
    watch("A")
    book.offer(quote("A", 1))
    frame()
    book.offer(quote("A", 2))
    frame()
    expect(painted).toEqual([["A", 1, undefined]])
    book.setFrozen(false)
    frame()
    expect(painted.at(-1)).toEqual(["A", 2, 1])
  })
  it("forgets what is no longer watched, pending too", () => {
    const { book, frame } = setup()
    book.offer(quote("A", 1))
    frame()
    book.offer(quote("A", 2))
    book.offer(quote("B", 1))
    book.retain(new Set(["B"]))
    frame()
    expect(book.shown("A")).toBeUndefined()
    expect(book.shown("B")?.seq).toBe(1)
  })
})
