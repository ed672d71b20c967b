import { describe, expect, it } from "vitest"
import { type Listed, makePages, type Page } from "./pages.ts"

/** A server whose answers come when the test says so, in any order. */
const asked = () => {
  const calls: Array<{
    readonly question: string
    readonly after: number | undefined
    readonly answer: (items: ReadonlyArray<string>, after?: number) => Promise<void>
    readonly fail: (message: string) => Promise<void>
  }> = []
  let listed: Listed<string, string> | undefined
  const pages = makePages<string, string, number>({
    ask: (question, after) =>
      new Promise<Page<string, number>>((resolve, reject) => {
        const settled = async (settle: () => void) => {
          settle()
          // the answer is taken in microtasks
          for (let turn = 0; turn < 5; turn++) await Promise.resolve()
        }
        calls.push({
          question,
          after,
          answer: (items, next) => settled(() => resolve({ items, after: next ?? null, total: null })),
          fail: (message) => settled(() => reject(new Error(message)))
        })
      }),
    keyOf: (item) => item,
    onChange: (next) => {
      listed = next
    }
  })
  return {
    pages,
    calls,
    call: (index: number) => {
      const found = calls[index]
      if (found === undefined) throw new Error(`There was no call ${index}`)
      return found
    },
    listed: () => listed
  }
}

describe("a list in pages", () => {
  it("has one request under way, then asks the newest question and none between", async () => {
    const { pages, calls, call, listed } = asked()
    for (const text of ["a", "ap", "app", "appl"]) pages.set(text)
    expect(calls.map(({ question }) => question)).toEqual(["a"])
    await call(0).answer(["AMZN"])
    // the answer to "a" is not what is wanted any more
    expect(listed()?.question).toBe(null)
    expect(calls.map(({ question }) => question)).toEqual(["a", "appl"])
    await call(1).answer(["AAPL"])
    expect(listed()).toMatchObject({ question: "appl", items: ["AAPL"], awaiting: null })
  })

  it("keeps what it shows until the next answer is there", async () => {
    const { pages, call, listed } = asked()
    pages.set("a")
    await call(0).answer(["A1", "A2"])
    pages.set("ab")
    expect(listed()).toMatchObject({ question: "a", items: ["A1", "A2"], awaiting: "answer" })
    // taken back before the answer came: what is shown is the answer
    pages.set("a")
    expect(listed()).toMatchObject({ question: "a", awaiting: null })
    await call(1).answer(["AB"])
    expect(listed()).toMatchObject({ question: "a", items: ["A1", "A2"] })
  })

  it("goes on page after page, each item once, until there are no more", async () => {
    const { pages, calls, call, listed } = asked()
    pages.set("a")
    await call(0).answer(["A1", "A2"], 2)
    pages.more()
    pages.more()
    expect(calls).toHaveLength(2)
    expect(call(1).after).toBe(2)
    await call(1).answer(["A2", "A3"])
    expect(listed()).toMatchObject({ items: ["A1", "A2", "A3"], hasMore: false })
    pages.more()
    expect(calls).toHaveLength(2)
  })

  it("drops a further page of a question that is not asked any more", async () => {
    const { pages, calls, call, listed } = asked()
    pages.set("a")
    await call(0).answer(["A1"], 1)
    pages.more()
    pages.set("b")
    await call(1).answer(["A2"])
    expect(listed()?.items).toEqual(["A1"])
    expect(calls.at(-1)).toMatchObject({ question: "b", after: undefined })
    await call(2).answer(["B1"])
    expect(listed()?.items).toEqual(["B1"])
  })

  it("tells a failure, keeps what it has, and asks the same again", async () => {
    const { pages, calls, call, listed } = asked()
    pages.set("a")
    await call(0).answer(["A1"], 1)
    pages.more()
    await call(1).fail("no answer")
    expect(listed()).toMatchObject({ items: ["A1"], awaiting: null, error: new Error("no answer") })
    pages.more()
    expect(calls).toHaveLength(2)
    pages.retry()
    expect(call(2).after).toBe(1)
    await call(2).answer(["A2"])
    expect(listed()).toMatchObject({ items: ["A1", "A2"], error: null })
  })

  it("forgets at once when nothing is asked, and says nothing after its end", async () => {
    const { pages, calls, call, listed } = asked()
    pages.set("a")
    await call(0).answer(["A1"], 1)
    pages.set("b")
    pages.set(null)
    expect(listed()).toMatchObject({ question: null, items: [], awaiting: null })
    await call(1).answer(["B1"])
    expect(listed()?.items).toEqual([])
    pages.set("c")
    pages.close()
    await call(2).answer(["C1"])
    expect(listed()?.items).toEqual([])
    expect(calls).toHaveLength(3)
  })
})
