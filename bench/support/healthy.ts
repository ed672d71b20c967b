/** Healthy sessions (HealthySessions.ts) in a process of their own, so that no stranger's work delays their clock. */
import { listedSymbols, makeAccounts } from "./accounts.ts"
import { type Health, type HealthyPlan, HealthySessions } from "./HealthySessions.ts"
import { answer } from "./processes.ts"

let sessions: HealthySessions | undefined
const opened = () => {
  if (sessions === undefined) throw new Error("open first")
  return sessions
}

const healthy = {
  open: async (plan: Omit<HealthyPlan, "accounts" | "symbols">): Promise<void> => {
    const accounts = await makeAccounts(plan.port, 5)
    const symbols = await listedSymbols(plan.port, accounts[0]?.cookie ?? "")
    sessions = new HealthySessions({ ...plan, accounts, symbols })
    await sessions.open()
  },
  take: (_: null): Health => opened().take()
}
export type HealthyProcess = typeof healthy

answer(healthy)
