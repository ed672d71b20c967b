/** Fan-out through the public protocol, beside bare `ws` doing the same in the same run. */
import type { BenchServer } from "./servers/BenchServer.ts"
import type { Received } from "./support/Counter.ts"
import { pause } from "./support/clock.ts"
import type { Generator } from "./support/generator.ts"
import { start } from "./support/processes.ts"
import { against, median, millis, type Report, thousands } from "./support/report.ts"
import type { Vitals } from "./support/vitals.ts"

interface Shape {
  readonly sessions: number
  readonly symbols: number
  readonly perSession: number
  readonly conflation: 0 | 100
  /** Published updates a second; each goes to sessions × perSession / symbols sessions. */
  readonly published: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

interface Outcome {
  readonly received: Received
  readonly server: Vitals
  readonly writes: number
  readonly generator: Vitals
  readonly gauges: Readonly<Record<string, number>>
}

type Kind = "ours" | "bare"

export const fanOut = async (kind: Kind, shape: Shape, node: ReadonlyArray<string> = []): Promise<Outcome> => {
  const server = await start<BenchServer>(`servers/${kind}.ts`, { args: [String(shape.symbols)], node })
  const generator = await start<Generator>("support/generator.ts")
  try {
    await generator.ask("connect", {
      port: await server.ask("port", null),
      sessions: shape.sessions,
      symbols: shape.symbols,
      perSession: shape.perSession,
      conflation: shape.conflation,
      seed: 1,
      sampleEvery: 16
    })
    await server.ask("feed", shape.published)
    await pause(shape.warmUpSeconds * 1_000)
    await Promise.all([server.ask("begin", null), generator.ask("begin", null)])
    await pause(shape.seconds * 1_000)
    const [{ vitals, writes }, { received, vitals: own }] = await Promise.all([
      server.ask("end", null),
      generator.ask("end", null)
    ])
    const { gauges } = await server.ask("open", null)
    return { received, server: vitals, writes, generator: own, gauges }
  } finally {
    await Promise.all([server.end(), generator.end()])
  }
}

const figures = ({ gauges, generator, received, server, writes }: Outcome) => ({
  updates: received.updates / generator.seconds,
  perCpuSecond: received.updates / server.cpuSeconds,
  cores: server.cpuSeconds / server.seconds,
  writes: writes / server.seconds,
  microsPerWrite: (server.cpuSeconds * 1e6) / writes,
  bytes: received.bytes / received.updates,
  p50: received.latency.p50,
  p99: received.latency.p99,
  p999: received.latency.p999,
  max: received.latency.max,
  loopP99: server.loopP99,
  loopMax: server.loopMax,
  gcMax: server.gcMax,
  gcShare: (server.gcMillis / 1e3 / server.seconds) * 100,
  foldedPercent: (received.folded / Math.max(1, received.folded + received.sampledUpdates)) * 100,
  broken: received.broken,
  generatorCores: generator.cpuSeconds / generator.seconds,
  window: gauges["node_window_millis{}"] ?? 0
})
type Figures = ReturnType<typeof figures>

/** Each figure's median over the rounds; breaches of the stream's promises are added up. */
const medians = (rounds: ReadonlyArray<Figures>): Figures => {
  const of = (key: keyof Figures) => median(rounds.map((round) => round[key]))
  return {
    updates: of("updates"),
    perCpuSecond: of("perCpuSecond"),
    cores: of("cores"),
    writes: of("writes"),
    microsPerWrite: of("microsPerWrite"),
    bytes: of("bytes"),
    p50: of("p50"),
    p99: of("p99"),
    p999: of("p999"),
    max: of("max"),
    loopP99: of("loopP99"),
    loopMax: of("loopMax"),
    gcMax: of("gcMax"),
    gcShare: of("gcShare"),
    foldedPercent: of("foldedPercent"),
    broken: rounds.reduce((sum, round) => sum + round.broken, 0),
    generatorCores: of("generatorCores"),
    window: of("window")
  }
}

const compare = async (shape: Shape, rounds: number) => {
  const found: Record<Kind, Array<Figures>> = { ours: [], bare: [] }
  for (let round = 0; round < rounds; round++) {
    for (const kind of ["ours", "bare"] as const) found[kind].push(figures(await fanOut(kind, shape)))
  }
  return { ours: medians(found.ours), bare: medians(found.bare), rounds }
}

const rowsOf = (ours: Figures, bare: Figures): Report["rows"] => {
  const row = (what: string, key: keyof Figures, show: (value: number) => string) => [
    what,
    show(ours[key]),
    show(bare[key])
  ]
  return [
    row("updates delivered/s", "updates", thousands),
    row("updates per server CPU-second", "perCpuSecond", thousands),
    row("server cores used", "cores", (value) => value.toFixed(2)),
    row("socket writes/s", "writes", thousands),
    row("CPU µs per write", "microsPerWrite", (value) => value.toFixed(1)),
    row("wire bytes per update", "bytes", (value) => value.toFixed(0)),
    row("latency p50 ms", "p50", millis),
    row("latency p99 ms", "p99", millis),
    row("latency p99.9 ms", "p999", millis),
    row("latency max ms", "max", millis),
    row("event-loop delay p99 ms", "loopP99", millis),
    row("event-loop delay max ms", "loopMax", millis),
    row("longest GC pause ms", "gcMax", millis),
    row("GC, % of time", "gcShare", (value) => value.toFixed(1)),
    row("updates folded, %", "foldedPercent", (value) => value.toFixed(2)),
    row("sequence breaches", "broken", thousands),
    row("node-wide window ms", "window", thousands),
    row("generator cores used", "generatorCores", (value) => value.toFixed(2))
  ]
}

const conditions = (shape: Shape, rounds: number): ReadonlyArray<string> => {
  const offered = (shape.published * shape.sessions * shape.perSession) / shape.symbols
  return [
    `${thousands(shape.sessions)} sessions × own ${shape.perSession} of ${thousands(shape.symbols)} symbols, ${shape.conflation === 0 ? "immediate (conflation 0)" : `window ${shape.conflation} ms`}, ${thousands(shape.published)} updates published/s → ${thousands(offered)}/s offered; loopback, no TLS, no compression.`,
    `LZStock: \`market.Watch\` over its gateway, protocol, session actors and hub; one body encoded per update. Bare: \`ws\`, frames made once, ${shape.conflation === 0 ? "one TCP write per update" : "one copied TCP write per session and window"}; no heartbeat, sequence, folding or flow control.`,
    `${rounds} rounds each, alternating, median of ${shape.seconds} s after ${shape.warmUpSeconds} s of warm-up. CPU is the server process's own; the generator is another process.`,
    "Latency: from the intended publish time (open loop) to the client's parse, window included, in 1 of 16 sessions, where every item's sequence is checked too."
  ]
}

export const fanout = async (scale: number, published = 4_000): Promise<Report> => {
  const shape: Shape = {
    sessions: 5_000,
    symbols: 2_000,
    perSession: 50,
    conflation: 100,
    published,
    warmUpSeconds: 2,
    seconds: Math.max(1, 5 * scale)
  }
  const { bare, ours, rounds } = await compare(shape, 3)
  return {
    name: "fanout",
    title: "Fan-out",
    conditions: conditions(shape, rounds),
    head: ["", "LZStock", "bare ws"],
    rows: rowsOf(ours, bare),
    verdicts: [
      ...(ours.window > shape.conflation
        ? [
            `The node was over its budget and widened every window to ${ours.window} ms at some time in the run: **not the agreed load, the two figures below do not count.**`
          ]
        : []),
      against("Updates per server CPU-second", ours.perCpuSecond, 100_000, 500_000, thousands, "more"),
      against(
        "Ratio to bare ws (updates per CPU-second)",
        ours.perCpuSecond / bare.perCpuSecond,
        0.5,
        0.9,
        (value) => `${value.toFixed(2)}×`,
        "more"
      )
    ]
  }
}

export const immediate = async (scale: number): Promise<Report> => {
  const shape: Shape = {
    sessions: 2_000,
    symbols: 2_000,
    perSession: 50,
    conflation: 0,
    published: 400,
    warmUpSeconds: 2,
    seconds: Math.max(1, 5 * scale)
  }
  const { bare, ours, rounds } = await compare(shape, 3)
  return {
    name: "immediate",
    title: "Fan-out, immediate mode",
    conditions: conditions(shape, rounds),
    head: ["", "LZStock", "bare ws"],
    rows: rowsOf(ours, bare),
    verdicts: [
      against("Latency p50", ours.p50, 10, 2, (value) => `${millis(value)} ms`, "less"),
      against("Latency p99", ours.p99, 50, 10, (value) => `${millis(value)} ms`, "less")
    ]
  }
}
