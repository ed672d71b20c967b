/** Everybody's connection breaks in one moment, and everybody comes back: what that may cost the server. */
import { expect, it } from "vitest"
import { listedSymbols, makeAccounts } from "../../bench/support/accounts.ts"
import { ReturningCrowd } from "../../bench/support/ReturningCrowd.ts"
import { startServer } from "../../bench/support/realServer.ts"
import { until } from "../../scripts/services/processes.mjs"

const SESSIONS = 300
const INVESTORS = 10
const PER_SESSION = 10
const PATIENCE_MILLIS = 60_000

/** What is open while they are there. */
const HELD = [
  "sessions_active",
  'actors_active{kind="session"}',
  "strangers_active",
  "watches_active",
  "watched_slots_active",
  "watched_symbols_active",
  "topic_subscriptions_active"
]

it("300 sessions that are cut off at once come back where they were, for one store read each and no password hash", async () => {
  const server = await startServer([
    ...["--symbols", "60", "--date", "2026-03-06", "--start", "10:30", "--sign-in", "required"],
    ...["--max-address-upgrades", "1000", "--max-investor-sessions", "100"]
  ])
  try {
    const accounts = await makeAccounts(server.port, INVESTORS)
    const symbols = await listedSymbols(server.port, accounts[0]?.cookie ?? "")
    const held = async () => {
      const metric = await server.metrics()
      return HELD.map((name) => [name, metric(name)])
    }
    const nothing = HELD.map((name) => [name, 0])

    const crowd = new ReturningCrowd({
      ports: [server.port],
      sessions: SESSIONS,
      accounts,
      symbols,
      perSession: PER_SESSION
    })
    await crowd.open()
    await crowd.renewTickets()
    const before = await server.metrics()
    const heldBefore = await held()
    expect(heldBefore).toContainEqual(["sessions_active", SESSIONS])

    crowd.begin()
    crowd.drop()
    const storm = await crowd.settled(SESSIONS, PATIENCE_MILLIS)
    expect(storm).toMatchObject({ back: SESSIONS, recovered: SESSIONS, out: 0, gaps: 0 })
    const after = await server.metrics()
    const grown = (name: string) => after(name) - before(name)
    expect(grown("password_hashes_total")).toBe(0)
    // on a machine without time to spare a try may fail halfway; a ticket that it showed is used up then
    const failed = Object.values(storm.lost).reduce((sum, count) => sum + count, 0)
    expect(grown("credential_store_reads_total")).toBeGreaterThanOrEqual(SESSIONS)
    expect(grown("credential_store_reads_total")).toBeLessThanOrEqual(SESSIONS + 3 * failed)
    const isHeld = (wanted: unknown) => async () => JSON.stringify(await held()) === JSON.stringify(wanted)
    await until(isHeld(heldBefore), PATIENCE_MILLIS)
    expect(await held()).toEqual(heldBefore)

    crowd.leave()
    await until(isHeld(nothing), PATIENCE_MILLIS)
    expect(await held()).toEqual(nothing)
    expect(server.troubles).toEqual([])
  } finally {
    await server.end()
  }
}, 180_000)
