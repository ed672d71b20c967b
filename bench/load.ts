/** The real server under users who behave: `npm run bench -- load smoke|spike|capacity`. */
import { pause } from "./support/clock.ts"
import { start } from "./support/processes.ts"
import { type Reading, startServer } from "./support/realServer.ts"
import { against, millis, type Report, thousands } from "./support/report.ts"
import type { Phase, Seen, Users } from "./support/users.ts"

interface Shape {
  readonly about: string
  readonly phases: ReadonlyArray<Phase>
  /** Options of the server unless others are asked for. */
  readonly server: ReadonlyArray<string>
}

const shapes: Readonly<Record<string, Shape>> = {
  smoke: {
    about: "100 users, then 150",
    server: [],
    phases: [
      { name: "to 100", seconds: 10, users: 100 },
      { name: "100", seconds: 20, users: 100 },
      { name: "to 150", seconds: 10, users: 150 },
      { name: "150", seconds: 15, users: 150 },
      { name: "to 0", seconds: 2, users: 0 }
    ]
  },
  spike: {
    about: "3 min to 1,000, 1 min, 30 s to 1,500, 1 min, 10 s to 0",
    server: [],
    phases: [
      { name: "to 1,000", seconds: 180, users: 1_000 },
      { name: "1,000", seconds: 60, users: 1_000 },
      { name: "to 1,500", seconds: 30, users: 1_500 },
      { name: "1,500", seconds: 60, users: 1_500 },
      { name: "to 0", seconds: 10, users: 0 }
    ]
  },
  capacity: {
    about: "5,000 users held for 10 min",
    // some 20,000 updates/s in all: the load of the published figures it is compared with; at --rate 1 it is 350,000
    server: ["--rate", "0.06"],
    phases: [
      { name: "to 5,000", seconds: 60, users: 5_000 },
      { name: "5,000", seconds: 600, users: 5_000 },
      { name: "to 0", seconds: 10, users: 0 }
    ]
  }
}
/** A phase longer than this is shown in parts. */
const ROW_SECONDS = 100
export const shapeNames = Object.keys(shapes)

interface Row extends Seen {
  readonly phase: string
  readonly seconds: number
  readonly cpu: number
  readonly rss: number
  readonly loopP99: number
}

export const load = async (name: string, scale: number, asked?: ReadonlyArray<string>): Promise<Report> => {
  const shape = shapes[name]
  if (shape === undefined) throw new Error(`load has the shapes ${shapeNames.join(", ")}`)
  const phases = shape.phases.map((phase) => ({ ...phase, seconds: phase.seconds * scale }))
  const options = asked ?? shape.server
  const server = await startServer(options)
  const users = await start<Users>("support/users.ts")
  const rows: Array<Row> = []
  try {
    // its history and first ticks are no user's cost
    await pause(5_000)
    const listed = await users.ask("start", {
      port: server.port,
      phases,
      symbolsPerUser: 50,
      changeEverySeconds: 30,
      conflation: 100
    })
    let due = performance.now()
    let last = await server.read()
    let lastAt = due
    for (const { name: phase, seconds } of phases) {
      const parts = Math.max(1, Math.round(seconds / ROW_SECONDS))
      for (let part = 0; part < parts; part++) {
        due += (seconds / parts) * 1_000
        await pause(Math.max(0, due - performance.now()))
        const seen = await users.ask("look", null)
        const reading = await server.read()
        const now = performance.now()
        const elapsed = (now - lastAt) / 1_000
        const cpu = (reading.cpu - last.cpu) / elapsed
        const row = { ...seen, phase, seconds: elapsed, cpu, rss: reading.rss, loopP99: reading.loopP99 }
        rows.push(row)
        process.stderr.write(`  ${line(row).join("  ")}\n`)
        last = reading
        lastAt = now
      }
    }
    while (await users.ask("running", null)) await pause(100)
    await pause(2_000)
    const after = await server.read()
    const own = await users.ask("end", null)
    return report({ name, shape, options, rows, listed, after, generatorCores: own.cpuSeconds / own.seconds, scale })
  } finally {
    await users.end()
    await server.end()
  }
}

const HEAD = [
  "phase",
  "users",
  "updates/s",
  "p50 ms",
  "p99",
  "p99.9",
  "max",
  "join p99 ms",
  "change p99 ms",
  "errors",
  "breaches",
  "server cores",
  "RSS MB",
  "loop p99 ms"
] as const

const errorsOf = (row: Row): number => Object.values(row.errors).reduce((sum, count) => sum + count, 0)

const line = (row: Row): ReadonlyArray<string> => [
  row.phase,
  thousands(row.users),
  thousands(row.updates / row.seconds),
  millis(row.latency.p50),
  millis(row.latency.p99),
  millis(row.latency.p999),
  millis(row.latency.max),
  millis(row.join.p99),
  millis(row.change.p99),
  thousands(errorsOf(row)),
  thousands(row.broken),
  row.cpu.toFixed(2),
  (row.rss / 2 ** 20).toFixed(0),
  millis(row.loopP99)
]

interface Outcome {
  readonly name: string
  readonly shape: Shape
  readonly options: ReadonlyArray<string>
  readonly rows: ReadonlyArray<Row>
  readonly listed: number
  readonly after: Reading
  readonly generatorCores: number
  readonly scale: number
}

const report = ({ after, generatorCores, listed, name, options, rows, scale, shape }: Outcome): Report => {
  const { about, phases } = shape
  const most = Math.max(...phases.map(({ users }) => users))
  const held = rows.filter((row) => row.phase === thousands(most))
  const worst = (of: (row: Row) => number) => Math.max(...held.map(of))
  const slowest = Math.min(...held.map((row) => row.updates / row.seconds))
  const errors = new Map<string, number>()
  for (const row of rows)
    for (const [what, count] of Object.entries(row.errors)) errors.set(what, (errors.get(what) ?? 0) + count)
  const told = Array.from(errors, ([what, count]) => `${count} × ${what}`).join(", ")
  return {
    name: `load ${name}`,
    title: `Load: ${name}`,
    conditions: [
      `${about}${scale === 1 ? "" : ` (durations × ${scale}: a quick look)`}. The real server (\`node src/app/main.ts${options.length === 0 ? "" : ` ${options.join(" ")}`}\`), simulated feed of ${listed} symbols; each user watches 50 of them with a window of 100 ms and changes ten of them every 30 s on average. Open loop: coming and changing have intended times.`,
      `Latency: from the newest tick's arrival at the server to the client's parse, window included, in 1 of 8 users; a clock of 1 ms. Generator: another process, ${generatorCores.toFixed(2)} cores.`,
      `Errors: ${told === "" ? "none" : told}. After everybody left: ${after.sessions} sessions, ${after.slots} watched slots.`
    ],
    head: HEAD,
    rows: rows.map(line),
    ...(name === "capacity"
      ? {
          verdicts: [
            `Updates/s while held, slowest row: ${thousands(slowest)} — ${slowest >= 14_000 ? "reached" : "BELOW"} (14,000).`,
            against(
              "p50 while held, worst row",
              worst((row) => row.latency.p50),
              450,
              25,
              (value) => `${millis(value)} ms`,
              "less"
            ),
            against(
              "p99 while held, worst row",
              worst((row) => row.latency.p99),
              450,
              100,
              (value) => `${millis(value)} ms`,
              "less"
            )
          ]
        }
      : {})
  }
}
