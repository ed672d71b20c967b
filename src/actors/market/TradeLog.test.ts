import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { Place, TradeLog } from "./TradeLog.ts"

interface Row {
  readonly key: number
  readonly price: number
  readonly size: number
  readonly id: number
  readonly moves: number
}

const rowAt = (log: TradeLog, place: Place): Omit<Row, "id"> => ({
  key: log.keyAt(place),
  price: log.priceAt(place),
  size: log.sizeAt(place),
  moves: log.movesAt(place)
})

const rows = (log: TradeLog, from = 0): Array<Omit<Row, "id">> => {
  const place = new Place()
  const found = []
  for (let more = log.seek(from, place); more; more = log.next(place)) found.push(rowAt(log, place))
  return found
}

const withoutId = ({ id: _, ...row }: Row): Omit<Row, "id"> => row

/** Inserts after all rows of the same or a smaller key. */
const insert = (list: Array<Row>, row: Row): void => {
  const at = list.findLastIndex((other) => other.key <= row.key) + 1
  list.splice(at, 0, row)
}

describe("TradeLog", () => {
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.record({ add: fc.nat(60), price: fc.nat(9_000_000_000) }) },
    { weight: 2, arbitrary: fc.record({ remove: fc.nat(80) }) },
    { weight: 2, arbitrary: fc.record({ set: fc.nat(80), price: fc.nat(100) }) },
    { weight: 1, arbitrary: fc.constant({ copy: true } as const) },
    { weight: 1, arbitrary: fc.constant({ pack: true } as const) }
  )

  it("is a sorted list: adds, removes, changes, copies and checkpoints as one does", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), fc.nat(60), (commands, from) => {
        let log = new TradeLog(1_000_000)
        const list: Array<Row> = []
        // copies taken on the way, each with what it must go on holding
        const kept: Array<readonly [TradeLog, Array<Omit<Row, "id">>]> = []
        const place = new Place()
        let id = 0
        for (const step of commands) {
          if ("add" in step) {
            const row = { key: step.add, price: step.price, size: id % 7, id: id++, moves: id % 16 }
            insert(list, row)
            log.add(row.key, row.price, row.size, row.id, row.moves)
          } else if ("remove" in step) {
            const index = list.findIndex((row) => row.id === step.remove)
            assert.strictEqual(log.find(step.remove, place), index >= 0)
            if (index >= 0) {
              list.splice(index, 1)
              log.removeAt(place)
            }
          } else if ("set" in step) {
            const index = list.findIndex((row) => row.id === step.set)
            const row = list[index]
            if (log.find(step.set, place) && row !== undefined) {
              list[index] = { ...row, price: step.price, size: 5, moves: 3 }
              log.setAt(place, step.price, 5, 3)
            }
          } else if ("copy" in step) {
            kept.push([log, rows(log)])
            log = log.copy()
          } else log = TradeLog.fromData(JSON.parse(JSON.stringify(log.toData())), log.limit)
        }
        assert.deepStrictEqual(rows(log), list.map(withoutId))
        assert.strictEqual(log.length, list.length)
        assert.deepStrictEqual(rows(log, from), list.filter((row) => row.key >= from).map(withoutId))
        for (const [earlier, held] of kept) assert.deepStrictEqual(rows(earlier), held)

        const backwards = []
        log.seek(from, place)
        while (log.previous(place)) backwards.push(rowAt(log, place))
        assert.deepStrictEqual(backwards.reverse(), list.filter((row) => row.key < from).map(withoutId))
      }),
      { numRuns: 300 }
    )
  })

  it("lets go of trades older than an hour, whole chunks at a time, and keeps a quiet symbol's", () => {
    const second = 4_000
    const busy = new TradeLog(1e9)
    let dropped = 0
    for (let n = 0; n < 3 * 3_600; n++) {
      busy.add(n * second, 1, 1, n, 1)
      if (busy.full) busy.dropOldest(() => dropped++)
    }
    assert.strictEqual(busy.length + dropped, 3 * 3_600)
    assert.isAtLeast(busy.length, 3_600)
    assert.isBelow(busy.length, 3_600 + 2 * 2_048)
    const quiet = new TradeLog(1e9)
    for (let n = 0; n < 10; n++) quiet.add(n * 3_600 * second, 1, 1, n, 1)
    assert.isFalse(quiet.full)
  })

  it("stays sorted when late trades split full chunks, and its copies do not notice", () => {
    const log = new TradeLog(1_000_000)
    const keys: Array<number> = []
    const add = (key: number) => {
      log.add(key, key + 1, 1, keys.length, 1)
      keys.push(key)
    }
    for (let i = 0; i < 10_000; i++) add(i * 2)
    const copy = log.copy()
    for (let i = 0; i < 3_000; i++) add((i * 7_919) % 20_000)
    assert.deepStrictEqual(
      rows(log).map((row) => row.key),
      keys.toSorted((a, b) => a - b)
    )
    assert.strictEqual(copy.length, 10_000)
    assert.deepStrictEqual(
      rows(copy).map((row) => row.key),
      keys.slice(0, 10_000)
    )
    const place = new Place()
    assert.isTrue(log.find(12_999, place))
    assert.strictEqual(log.keyAt(place), keys[12_999])
  })

  it("drops the oldest beyond its limit, showing each", () => {
    const log = new TradeLog(3_000)
    const dropped: Array<number> = []
    for (let key = 0; key < 20_000; key++) {
      log.add(key, 1, 1, key, 1)
      if (log.full) log.dropOldest((old) => dropped.push(old))
    }
    assert.isAtMost(log.length, 3_000)
    assert.deepStrictEqual(
      dropped,
      Array.from({ length: 20_000 - log.length }, (_, key) => key)
    )
    assert.strictEqual(log.keptFrom, dropped.length)
    assert.strictEqual(rows(log)[0]?.key, log.keptFrom)
    assert.isFalse(log.find(0, new Place()))
  })
})
