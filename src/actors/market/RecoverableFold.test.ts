import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { RecoverableFold } from "./RecoverableFold.ts"

interface Input {
  readonly name: number
  /** How many times folding it crashes before it works. */
  crashes: number
}

const make = (maxJournal = 5, checkpoint?: Array<number>, restorable = true) => {
  const parked: Array<number> = []
  let discarded = 0
  const fold = new RecoverableFold<Array<number>, Input>(
    {
      initial: () => [],
      copy: (state) => {
        if (!restorable) throw new Error("unreadable")
        return state.slice()
      },
      weight: () => 1,
      apply: (state, input) => {
        // half a change before the crash: what a recovery must throw away
        state.push(-input.name)
        if (input.crashes > 0) {
          input.crashes--
          throw new Error(`crash on ${input.name}`)
        }
        state[state.length - 1] = input.name
        return state
      }
    },
    {
      retries: 2,
      maxJournal,
      onParked: (input) => parked.push(input.name),
      onCheckpointDiscarded: () => discarded++
    }
  )
  fold.restart(checkpoint)
  return { fold, parked, discarded: () => discarded }
}

/** As the actor under its supervisor does: fold; after a crash recover, and fold again. */
const runToEnd = (fold: RecoverableFold<Array<number>, Input>): number => {
  let crashes = 0
  while (fold.broken || fold.waiting > 0) {
    try {
      if (fold.broken) fold.recover()
      fold.fold()
    } catch {
      crashes++
    }
  }
  return crashes
}

describe("RecoverableFold", () => {
  it("whatever crashes, the state is the fold of all that was not parked, in order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 8 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 10 }),
        (rounds, maxJournal) => {
          const { fold, parked } = make(maxJournal)
          let name = 0
          const expected: Array<number> = []
          const poison: Array<number> = []
          let crashes = 0
          for (const round of rounds) {
            const inputs = round.map((times) => ({ name: ++name, crashes: times }))
            for (const input of inputs) (input.crashes > 2 ? poison : expected).push(input.name)
            fold.take(inputs)
            crashes += runToEnd(fold)
            if (fold.checkpointDue) fold.checkpoint()
          }
          assert.deepStrictEqual(fold.state, expected)
          assert.deepStrictEqual(parked, poison)
          const times = rounds.flat().reduce((sum, each) => sum + Math.min(each, 3), 0)
          assert.strictEqual(crashes, times)
        }
      )
    )
  })

  it("a checkpoint is not touched by what is folded later", () => {
    const { fold } = make()
    fold.take([{ name: 1, crashes: 0 }])
    fold.fold()
    const checkpoint = fold.checkpoint()
    fold.take([{ name: 2, crashes: 0 }])
    fold.fold()
    assert.deepStrictEqual(checkpoint, [1])
    assert.deepStrictEqual(fold.state, [1, 2])
  })

  it("starts from a checkpoint", () => {
    const { fold } = make(5, [1, 2])
    fold.take([{ name: 3, crashes: 0 }])
    runToEnd(fold)
    assert.deepStrictEqual(fold.state, [1, 2, 3])
  })

  it("a checkpoint that cannot be restored is discarded, and told", () => {
    const { discarded, fold } = make(5, [1, 2], false)
    fold.take([{ name: 3, crashes: 0 }])
    assert.strictEqual(runToEnd(fold), 1)
    assert.deepStrictEqual(fold.state, [3])
    assert.strictEqual(discarded(), 1)
  })

  it("says when the journal is long enough for a checkpoint", () => {
    const { fold } = make(2)
    fold.take([{ name: 1, crashes: 0 }])
    fold.fold()
    assert.isFalse(fold.checkpointDue)
    fold.take([{ name: 2, crashes: 0 }])
    fold.fold()
    assert.isTrue(fold.checkpointDue)
    fold.checkpoint()
    assert.isFalse(fold.checkpointDue)
  })

  it("an input of the journal that crashes in the replay is parked too", () => {
    const { fold, parked } = make()
    const first: Input = { name: 1, crashes: 0 }
    fold.take([first])
    fold.fold()
    first.crashes = 9
    fold.take([{ name: 2, crashes: 1 }])
    runToEnd(fold)
    assert.deepStrictEqual(fold.state, [2])
    assert.deepStrictEqual(parked, [1])
  })
})
