/** From a tick's intended publish time, through JetStream and its actor, to its quote on NATS; beside a bare hop there and back. */
import type { TickOwning } from "../servers/tickOwner.ts"
import type { TickPacing } from "../servers/tickPace.ts"
import type { Work } from "../support/morning.ts"
import { start } from "../support/processes.ts"
import { median, millis, type Report, thousands } from "../support/report.ts"
import { type BenchServices, serviceVersions, withServices } from "../support/services.ts"

const ROUNDS = 3
const SYMBOLS = 50
const TICKS_PER_BATCH = 6
/** Batches a second. */
const RATES = [100, 1_000, 3_000] as const
const WARM_UP_SECONDS = 2

type Services = BenchServices<"nats">

interface Measured {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly heard: number
  readonly ownerCores: number
  readonly natsCores: number
}

let runs = 0

const measure = async (services: Services, way: "actors" | "bare", seconds: number) => {
  const wires = { natsUrl: services.natsUrl, prefix: `pace${runs++}` }
  const batches = RATES.reduce((sum, rate) => sum + rate * (seconds + WARM_UP_SECONDS) * ROUNDS, 0)
  const work: Work = { symbols: SYMBOLS, batches, ticksPerBatch: TICKS_PER_BATCH }
  const pace = await start<TickPacing>("servers/tickPace.ts")
  const owner = await start<TickOwning>("servers/tickOwner.ts")
  try {
    if (way === "actors") await owner.ask("open", { wires, symbols: SYMBOLS })
    else await owner.ask("openEcho", { natsUrl: wires.natsUrl, prefix: wires.prefix })
    await pace.ask(way === "actors" ? "open" : "openBare", { wires, work })
    const found = new Map<number, Array<Measured>>(RATES.map((rate) => [rate, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const perSecond of RATES) {
        await pace.ask("run", { perSecond, seconds: WARM_UP_SECONDS })
        await owner.ask("begin", null)
        const before = services.cpu("nats")
        const { heard, latency } = await pace.ask("run", { perSecond, seconds })
        const vitals = await owner.ask("end", {})
        found.get(perSecond)?.push({
          ...latency,
          heard,
          ownerCores: vitals.cpuSeconds / vitals.seconds,
          natsCores: (services.cpu("nats") - before) / vitals.seconds
        })
      }
    }
    return found
  } finally {
    await Promise.all([pace.end(), owner.end()])
  }
}

export const latency = (scale: number): Promise<Report> =>
  withServices(["nats"], async (services) => {
    const seconds = Math.max(1, Math.round(8 * scale))
    const rows: Array<ReadonlyArray<string>> = []
    for (const way of ["actors", "bare"] as const) {
      for (const [perSecond, rounds] of await measure(services, way, seconds)) {
        const of = (value: (measured: Measured) => number) => median(rounds.map(value))
        rows.push([
          `${way === "actors" ? "tick → quote" : "bare NATS, there and back"}, ${thousands(perSecond * TICKS_PER_BATCH)} ticks/s`,
          millis(of(({ p50 }) => p50)),
          millis(of(({ p99 }) => p99)),
          millis(of(({ p999 }) => p999)),
          millis(of(({ max }) => max)),
          thousands(of(({ heard }) => heard / seconds)),
          of(({ ownerCores }) => ownerCores).toFixed(2),
          of(({ natsCores }) => natsCores).toFixed(2)
        ])
      }
    }
    return {
      name: "nodes latency",
      title: "Many nodes: latency of a tick through NATS",
      conditions: [
        `Batches of ${TICKS_PER_BATCH} trades of ${SYMBOLS} symbols, published when they are due (open loop, looked at every ms): TickPublisher → JetStream → ticker actors (stores in memory) → quote on core NATS, heard and decoded by the publishing process. ${serviceVersions()}.`,
        "Bare: a message a batch on core NATS, sent back as it is by another process, decoded on arrival; nothing kept, folded or encoded.",
        `From the intended time, in ms; medians of ${ROUNDS} rounds of ${seconds} s, each after ${WARM_UP_SECONDS} s of warm-up. Where batches come faster than they are folded one quote stands for several, and is as old as its newest tick.`
      ],
      head: ["ms from the intended time", "p50", "p99", "p99.9", "max", "quotes/s", "owner cores", "nats-server cores"],
      rows
    }
  })
