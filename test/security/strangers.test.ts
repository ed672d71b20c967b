/** Thousands who never sign in, beside fifty who have: all of them go, and nobody else notices. */
import { expect, it } from "vitest"
import { listedSymbols, makeAccounts } from "../../bench/support/accounts.ts"
import { HealthySessions } from "../../bench/support/HealthySessions.ts"
import { startServer } from "../../bench/support/realServer.ts"
import { manners, StrangerCrowd } from "../../bench/support/StrangerCrowd.ts"
import { until } from "../../scripts/services/processes.mjs"

const STRANGERS = 2_000
const HEALTHY = 50
const PATIENCE_MILLIS = 60_000

it("2,000 strangers are closed or refused, whatever they say; those who have signed in get every update meanwhile", async () => {
  const server = await startServer([
    ...["--symbols", "60", "--date", "2026-03-06", "--start", "10:30", "--sign-in", "required"],
    ...["--max-strangers", "10000", "--max-address-sessions", "1000", "--max-address-upgrades", "1000"]
  ])
  try {
    const accounts = await makeAccounts(server.port, 5)
    const symbols = await listedSymbols(server.port, accounts[0]?.cookie ?? "")
    const healthy = new HealthySessions({
      port: server.port,
      sessions: HEALTHY,
      accounts,
      symbols,
      perSession: 20,
      conflation: 0
    })
    await healthy.open()

    const strangers = new StrangerCrowd(server.port)
    await strangers.come(STRANGERS)
    const ends = await strangers.gone()
    const each = STRANGERS / manners.length
    expect(ends).toEqual({
      "mute: cut off": each,
      "silent: closed 4401": each,
      "garbage: closed 4400": each,
      "asking: closed 4401": each,
      "guessing: closed 4401": each
    })
    expect(strangers.answered).toBe(0)

    // each of them goes on
    expect(await until(() => healthy.updatedSoFar() === HEALTHY, PATIENCE_MILLIS)).toBe(true)
    expect(healthy.take()).toMatchObject({ sessions: HEALTHY, gaps: 0, broken: 0 })
    const metric = await server.metrics()
    expect([metric("sessions_active"), metric("strangers_active")]).toEqual([HEALTHY, 0])
    expect(metric("watches_active")).toBe(HEALTHY)

    healthy.leave()
    const left = async () => {
      const now = await server.metrics()
      return ["sessions_active", "strangers_active", "watches_active", "watched_slots_active"].map(now)
    }
    await until(async () => (await left()).every((count) => count === 0), PATIENCE_MILLIS)
    expect(await left()).toEqual([0, 0, 0, 0])
    expect(server.troubles).toEqual([])
  } finally {
    await server.end()
  }
}, 180_000)
