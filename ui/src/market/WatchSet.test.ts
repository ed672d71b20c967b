import { describe, expect, it } from "vitest"
import { makeWatchSet } from "./WatchSet.ts"

const setup = () => {
  const sent: Array<ReadonlyArray<string>> = []
  let task: (() => void) | null = null
  const set = makeWatchSet(
    (symbols) => sent.push(symbols),
    (next) => {
      task = next
      return () => {
        task = null
      }
    }
  )
  const settle = () => {
    const due = task
    task = null
    due?.()
  }
  return { set, sent, settle }
}

describe("WatchSet", () => {
  it("sends the union once things settle", () => {
    const { set, sent, settle } = setup()
    set.ask("table", ["A", "B"])
    set.ask("table", ["B", "C"])
    set.ask("page", ["C", "D"])
    expect(sent).toEqual([])
    settle()
    expect(sent).toEqual([["B", "C", "D"]])
  })
  it("says nothing when nothing changed, order aside", () => {
    const { set, sent, settle } = setup()
    set.ask("table", ["A", "B"])
    settle()
    set.ask("table", ["B", "A"])
    settle()
    set.ask("page", ["A"])
    settle()
    expect(sent).toHaveLength(1)
  })
  it("withdraws an owner's symbols but not another's", () => {
    const { set, sent, settle } = setup()
    set.ask("table", ["A", "B"])
    set.ask("page", ["B"])
    settle()
    set.ask("table", [])
    settle()
    expect(sent.at(-1)).toEqual(["B"])
    set.ask("page", [])
    settle()
    expect(sent.at(-1)).toEqual([])
  })
})
