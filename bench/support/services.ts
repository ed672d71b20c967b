/** NATS and PostgreSQL of a benchmark's own, and what they use: a service's CPU belongs to the price as much as ours. */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { type ServiceName, type ServiceUrls, startServices } from "../../scripts/services/client.mjs"

const TICKS_PER_SECOND = 100

/** utime, stime and those of ended children, in seconds; undefined when it is gone. Linux. */
const statOf = (pid: number | string): { readonly parent: number; readonly cpu: number } | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    // the name in brackets may hold spaces
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number)
    const [, parent = 0] = fields
    return { parent, cpu: fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND }
  } catch {
    return undefined
  }
}

/** CPU seconds of a process and its children so far. */
export const cpuSecondsOf = (pid: number): number =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), stat: statOf(name) }))
    .filter(({ pid: own, stat }) => own === pid || stat?.parent === pid)
    .reduce((sum, { stat }) => sum + (stat?.cpu ?? 0), 0)

export type BenchServices<S extends ServiceName> = ServiceUrls<S> & {
  /** CPU seconds so far. */
  readonly cpu: (service: S) => number
}

/** Runs `use` with servers nobody else uses, gone afterwards. */
export const withServices = async <S extends ServiceName, A>(
  only: ReadonlyArray<S>,
  use: (services: BenchServices<S>) => Promise<A>
): Promise<A> => {
  const keeper = await startServices<S>({ own: true, only })
  try {
    return await use({ ...keeper, cpu: (service) => cpuSecondsOf(keeper.pids[service] ?? 0) })
  } finally {
    await keeper.stop()
  }
}

const versionOf = (command: string, pattern: RegExp): string => {
  try {
    return pattern.exec(execFileSync(command, ["--version"], { encoding: "utf8" }))?.[1] ?? "?"
  } catch {
    return "?"
  }
}

/** For the conditions of a report. */
export const serviceVersions = (): string =>
  `nats-server ${versionOf("nats-server", /v([\d.]+)/)}, PostgreSQL ${versionOf("psql", /([\d.]+)/)}, on this machine too, data on its disk`
