import { describe, expect, it } from "vitest"
import type { Missed } from "../../../src/rpc/client.ts"
import { describeResumed } from "./announce.ts"

const missed = (updates: number | null): Missed => ({
  symbol: "A",
  from: { epoch: 1, seq: 1 },
  to: { epoch: 1, seq: 2 },
  updates
})
const say = (downMillis: number, ...list: ReadonlyArray<Missed>) =>
  describeResumed({ _tag: "Resumed", downMillis, recovered: false, missed: list, awaiting: [] })

describe("what a reconnection says", () => {
  it("counts what it knows and admits what it does not", () => {
    expect(say(3_100)).toBe("Back after 3 s, nothing missed")
    expect(say(3_100, missed(1))).toBe("Back after 3 s, 1 update missed")
    expect(say(400, missed(1_200), missed(34))).toBe("Back after 1 s, 1,234 updates missed")
    expect(say(600_000, missed(null))).toBe("Back after 10 min, an unknown number missed in 1 symbol")
    expect(say(3_000, missed(5), missed(null), missed(null))).toBe(
      "Back after 3 s, 5 updates missed, and an unknown number missed in 2 symbols"
    )
  })
  it("does not claim that nothing was missed while symbols are awaited", () => {
    const late = (awaiting: ReadonlyArray<string>, ...list: ReadonlyArray<Missed>) =>
      describeResumed({ _tag: "Resumed", downMillis: 3_000, recovered: true, missed: list, awaiting })
    expect(late([])).toBe("Back after 3 s, nothing missed")
    expect(late(["A"])).toBe("Back after 3 s; 1 symbol not current yet")
    expect(late(["A", "B"], missed(4))).toBe("Back after 3 s, 4 updates missed; 2 symbols not current yet")
    expect(late(["A"], missed(null))).toBe(
      "Back after 3 s, an unknown number missed in 1 symbol; 1 symbol not current yet"
    )
  })
})
