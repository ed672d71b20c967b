/** Ticks through NATS: a publisher process → JetStream → a process of ticker actors; beside the same in one process, and bare NATS. */
import type { Folding } from "../servers/folding.ts"
import type { TickOwning } from "../servers/tickOwner.ts"
import type { TickPublishing } from "../servers/tickPublisher.ts"
import type { Work } from "../support/morning.ts"
import { start } from "../support/processes.ts"
import { against, median, type Report, thousands } from "../support/report.ts"
import { type BenchServices, serviceVersions, withServices } from "../support/services.ts"

const ROUNDS = 3
const SYMBOLS = 50
const WARM_UP = 1 / 3
/** Bare NATS is quick: the same bytes so often. */
const BARE_PASSES = 5

type Services = BenchServices<"nats" | "postgres">

/** CPU seconds of each process over the measured ticks. */
interface Cost {
  readonly ticks: number
  readonly seconds: number
  readonly owner: number
  readonly publisher: number
  readonly nats: number
  readonly postgres: number
  /** Messages that carried them. */
  readonly messages: number
}

let runs = 0

const through = async (services: Services, work: Work, stored: boolean): Promise<Cost> => {
  const wires = { natsUrl: services.natsUrl, prefix: `bench${runs++}` }
  const publisher = await start<TickPublishing>("servers/tickPublisher.ts")
  const owner = await start<TickOwning>("servers/tickOwner.ts")
  try {
    await publisher.ask("open", { wires, work })
    const { databaseUrl } = services
    await owner.ask("open", { wires, symbols: work.symbols, ...(stored ? { databaseUrl } : {}) })
    const warm = Math.floor(work.batches * WARM_UP)
    await owner.ask("begin", null)
    await publisher.ask("publish", { from: 0, to: warm })
    await owner.ask("end", { ticks: warm * work.ticksPerBatch })
    await owner.ask("begin", null)
    const before = { nats: services.cpu("nats"), postgres: services.cpu("postgres") }
    const [published, folded] = await Promise.all([
      publisher.ask("publish", { from: warm, to: work.batches }),
      owner.ask("end", { ticks: work.batches * work.ticksPerBatch })
    ])
    const faults = await owner.ask("faults", null)
    if (Object.values(faults).some((count) => count > 0)) throw new Error(`not all well: ${JSON.stringify(faults)}`)
    return {
      ticks: (work.batches - warm) * work.ticksPerBatch,
      seconds: folded.seconds,
      owner: folded.cpuSeconds,
      publisher: published.vitals.cpuSeconds,
      nats: services.cpu("nats") - before.nats,
      postgres: stored ? services.cpu("postgres") - before.postgres : 0,
      messages: published.messages
    }
  } finally {
    await Promise.all([publisher.end(), owner.end()])
  }
}

/** The same bytes over core NATS, `together` batches of a shard in a message; made before, and not looked at on arrival. */
const bare = async (
  services: Services,
  work: Work,
  together: number
): Promise<Cost & { readonly bytesPerTick: number }> => {
  const subject = `bare${runs++}`
  const { natsUrl } = services
  const publisher = await start<TickPublishing>("servers/tickPublisher.ts")
  const owner = await start<TickOwning>("servers/tickOwner.ts")
  try {
    await publisher.ask("open", { wires: { natsUrl, prefix: subject }, work })
    const { bytes, messages } = await publisher.ask("openBare", { natsUrl, subject, together })
    await owner.ask("openBare", { natsUrl, subject })
    let heardSoFar = 0
    const publish = async (passes: number) => {
      heardSoFar += messages * passes
      await owner.ask("begin", null)
      const before = services.cpu("nats")
      const published = await publisher.ask("publishBare", passes)
      const heard = await owner.ask("end", { messages: heardSoFar })
      return { published, heard, nats: services.cpu("nats") - before }
    }
    // the first time compiles
    await publish(1)
    const { heard, nats, published } = await publish(BARE_PASSES)
    const bareTicks = work.batches * work.ticksPerBatch
    return {
      ticks: bareTicks * BARE_PASSES,
      seconds: heard.seconds,
      owner: heard.cpuSeconds,
      publisher: published.vitals.cpuSeconds,
      nats,
      postgres: 0,
      messages: messages * BARE_PASSES,
      bytesPerTick: bytes / bareTicks
    }
  } finally {
    await Promise.all([publisher.end(), owner.end()])
  }
}

const inProcess = async (work: Work): Promise<Cost> => {
  const folding = await start<Folding>("servers/folding.ts", { node: ["--expose-gc"] })
  try {
    const { cpuSeconds, seconds, ticks } = await folding.ask("fold", { how: "actors", work })
    return { ticks, seconds, owner: cpuSeconds, publisher: 0, nats: 0, postgres: 0, messages: 0 }
  } finally {
    await folding.end()
  }
}

const rateOf = (costs: ReadonlyArray<Cost>, of: (cost: Cost) => number): number =>
  median(costs.map((cost) => (of(cost) === 0 ? 0 : cost.ticks / of(cost))))

const shown = (value: number): string => (value === 0 ? "–" : thousands(value))

const row = (name: string, costs: ReadonlyArray<Cost>, batches: number): ReadonlyArray<string> => [
  name,
  shown(rateOf(costs, ({ owner }) => owner)),
  shown(rateOf(costs, ({ publisher }) => publisher)),
  shown(rateOf(costs, ({ nats }) => nats)),
  shown(rateOf(costs, ({ postgres }) => postgres)),
  shown(rateOf(costs, ({ nats, owner, postgres, publisher }) => nats + owner + postgres + publisher)),
  shown(rateOf(costs, ({ seconds }) => seconds)),
  shown(median(costs.map(({ messages, ticks }) => (messages === 0 ? 0 : ticks / messages)))),
  shown(batches)
]

export const ticks = (scale: number): Promise<Report> =>
  withServices(["nats", "postgres"], async (services) => {
    const rows: Array<ReadonlyArray<string>> = []
    const verdicts: Array<string> = []
    for (const ticksPerBatch of [6, 1]) {
      const work: Work = {
        symbols: SYMBOLS,
        batches: Math.round((scale * 1_500_000) / (ticksPerBatch === 6 ? 6 : 3)),
        ticksPerBatch
      }
      const costs = { inProcess: [] as Array<Cost>, memory: [] as Array<Cost>, postgres: [] as Array<Cost> }
      const alike: Array<Cost> = []
      const single: Array<Cost & { readonly bytesPerTick: number }> = []
      for (let round = 0; round < ROUNDS; round++) {
        costs.inProcess.push(await inProcess(work))
        const memory = await through(services, work, false)
        costs.memory.push(memory)
        costs.postgres.push(await through(services, work, true))
        const perMessage = memory.ticks / ticksPerBatch / memory.messages
        alike.push(await bare(services, work, Math.max(1, Math.round(perMessage))))
        single.push(await bare(services, work, 1))
      }
      const name = `${ticksPerBatch} a batch`
      rows.push(
        row(`${name}: in one process`, costs.inProcess, work.batches),
        row("… NATS, stores in memory", costs.memory, work.batches),
        row("… NATS, stores in PostgreSQL", costs.postgres, work.batches),
        row("… bare NATS, messages as large", alike, work.batches),
        row("… bare NATS, a message a batch", single, work.batches)
      )
      const owner = (of: ReadonlyArray<Cost>) => rateOf(of, (cost) => cost.owner)
      const floorAndGoal = [20_000, 100_000] as const
      const bytes = median(single.map(({ bytesPerTick }) => bytesPerTick))
      verdicts.push(
        against(`Through NATS, ${name}, stores in memory`, owner(costs.memory), ...floorAndGoal, thousands, "more"),
        against(
          `Through NATS, ${name}, stores in PostgreSQL`,
          owner(costs.postgres),
          ...floorAndGoal,
          thousands,
          "more"
        ),
        `${name}, the owner's CPU: ${(owner(costs.inProcess) / owner(costs.memory)).toFixed(2)}× that of folding in one process; ${(owner(single) / owner(costs.memory)).toFixed(1)}× that of hearing a bare message a batch, ${(owner(alike) / owner(costs.memory)).toFixed(0)}× of hearing bare messages as large (${bytes.toFixed(0)} bytes a tick).`
      )
    }
    return {
      name: "nodes ticks",
      title: "Many nodes: ticks through NATS",
      conditions: [
        `Trades of ${SYMBOLS} symbols over half an hour of market time: a publisher process (TickPublisher) → JetStream → a process that owns every shard (NatsTickSource, router, supervised ticker actors) and says its quotes on core NATS. As fast as it goes: the publisher waits for the owner. ${serviceVersions()}.`,
        `Median of ${ROUNDS} rounds, each in fresh processes, all ways in turn; the first third of the ticks warms up. CPU is each whole process's, garbage collection included; that of one process includes publishing and hearing the quotes.`,
        "In memory: one runner, no store, so that only messaging and folding count. In PostgreSQL: the market role's cluster, terms, checkpoints and bars; half an hour of bars in seconds; what is settled after the last tick is not counted.",
        "Bare NATS: publish and subscribe of the same bytes on core NATS, encoded before, not decoded, not stored; 'as large': as many batches a message as the publisher had gathered."
      ],
      head: [
        "ticks per CPU-second of",
        "owner",
        "publisher",
        "nats-server",
        "PostgreSQL",
        "all together",
        "ticks/s",
        "ticks a message",
        "batches"
      ],
      rows,
      verdicts
    }
  })
