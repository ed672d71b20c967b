import { expect, it } from "vitest"
import type { ClientEvent } from "../../../src/rpc/client.ts"
import { feedDownAfter } from "./liveness.ts"

const after = (...events: ReadonlyArray<ClientEvent>) => events.reduce<number | null>(feedDownAfter, null)
const down: ClientEvent = { _tag: "Liveness", state: "feed-down", since: 5 }
const live: ClientEvent = { _tag: "Liveness", state: "live", since: 9 }
const lost: ClientEvent = { _tag: "Disconnected", reason: "gone", code: 1006 }
const resumed: ClientEvent = { _tag: "Resumed", downMillis: 1, recovered: true, missed: [], awaiting: [] }

it("the feed is down from the word of the server on, until its other word", () => {
  expect(after()).toBe(null)
  expect(after(down)).toBe(5)
  expect(after(down, resumed)).toBe(5)
  expect(after(down, live)).toBe(null)
})

it("what a server said goes with its connection", () => {
  expect(after(down, lost)).toBe(null)
  expect(after(down, lost, resumed)).toBe(null)
  expect(after(down, lost, down)).toBe(5)
})
