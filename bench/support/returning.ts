/** A crowd that comes back (ReturningCrowd.ts), and a few of the real clients among it, in a process of their own. */
import { listedSymbols, makeAccounts } from "./accounts.ts"
import { answer } from "./processes.ts"
import { type CrowdPlan, ReturningCrowd, type Storm } from "./ReturningCrowd.ts"
import { TypedClients } from "./TypedClients.ts"

let crowd: ReturningCrowd | undefined
let clients: TypedClients | undefined

const opened = () => {
  if (crowd === undefined || clients === undefined) throw new Error("open first")
  return { crowd, clients }
}

export interface Returning extends Omit<CrowdPlan, "accounts" | "symbols"> {
  readonly investors: number
  /** Real clients besides. */
  readonly clients: number
}

const returning = {
  /** Makes the accounts and opens all sessions; ms that each took. */
  open: async (plan: Returning): Promise<{ readonly accounts: number; readonly sessions: number }> => {
    const started = performance.now()
    const [port = 0] = plan.ports
    const accounts = await makeAccounts(port, plan.investors)
    const symbols = await listedSymbols(port, accounts[0]?.cookie ?? "")
    const made = performance.now()
    crowd = new ReturningCrowd({ ...plan, accounts, symbols })
    clients = new TypedClients({ ...plan, accounts, symbols, sessions: plan.clients })
    await crowd.open()
    await clients.opened()
    return { accounts: made - started, sessions: performance.now() - made }
  },
  /** Everybody asks for a fresh ticket: one does not last for as long as opening takes. */
  renewTickets: async (_: null): Promise<void> => {
    await opened().crowd.renewTickets()
  },
  begin: (_: null): void => {
    const { clients, crowd } = opened()
    crowd.begin()
    clients.begin()
  },
  drop: (_: null): void => {
    const { clients, crowd } = opened()
    crowd.drop()
    clients.drop()
  },
  settled: async (wanted: {
    readonly sessions: number
    readonly clients: number
    readonly giveUpMillis: number
  }): Promise<{ readonly crowd: Storm; readonly clients: Storm }> => {
    const { clients, crowd } = opened()
    const [all, typed] = await Promise.all([
      crowd.settled(wanted.sessions, wanted.giveUpMillis),
      clients.settled(wanted.clients, wanted.giveUpMillis)
    ])
    return { crowd: all, clients: typed }
  },
  cpuSeconds: (_: null): number => {
    const { system, user } = process.cpuUsage()
    return (user + system) / 1e6
  }
}
export type ReturningProcess = typeof returning

answer(returning)
