/** Everything but what a peer should say, for as long as one likes: `npm run bench -- fuzz --minutes 10`. */
import {
  type Fuzzed,
  fuzzServer,
  fuzzServerOptions,
  HEALTHY,
  type Left,
  MEMORY_MINUTES
} from "./support/fuzz/fuzzServer.ts"
import { millis, type Report, thousands } from "./support/report.ts"

const PEERS = 24

const sum = (counts: Readonly<Record<string, number>>, prefix = ""): number =>
  Object.entries(counts).reduce((all, [name, count]) => (name.startsWith(prefix) ? all + count : all), 0)

const told = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${thousands(count)}`)
    .join(", ")

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
const memory: ReadonlyArray<readonly [name: string, show: (left: Left) => string]> = [
  ["heap after full collections, MB", ({ heap }) => megabytes(heap)],
  ["outside the heap, MB", ({ external }) => megabytes(external)],
  ["resident, MB", ({ rss }) => megabytes(rss)],
  ["fibers", ({ fibers }) => thousands(fibers)],
  ["database connections", ({ connections }) => thousands(connections)]
]

const faultsOf = ({ healthy, outcome, stillOpen, troubles, warnings }: Fuzzed): ReadonlyArray<string> => [
  ...outcome.leaks.map((leak) => `leak: ${leak}`),
  ...troubles.map((line) => `log: ${line.slice(0, 400)}`),
  ...warnings.map((line) => `warning: ${line}`),
  ...stillOpen.map((gauge) => `still open: ${gauge}`),
  ...(healthy.sessions === HEALTHY ? [] : [`${HEALTHY - healthy.sessions} healthy sessions were closed`]),
  ...(healthy.gaps + healthy.broken === 0 ? [] : [`${healthy.gaps + healthy.broken} gaps or breaches`])
]

export const fuzz = async (minutes: number): Promise<Report> => {
  const seed = Date.now() % 1_000_000
  process.stderr.write(`  seed ${seed}\n`)
  let until: number | undefined
  const goesOn = () => {
    until ??= performance.now() + minutes * 60_000
    return performance.now() < until
  }
  const fuzzed = await fuzzServer({
    seed,
    peers: PEERS,
    goesOn,
    onProgress: ({ cases, inputs, leaks }) =>
      void process.stderr.write(
        `  ${thousands(sum(cases))} connections, ${thousands(inputs)} inputs, ${leaks.length} leaks\n`
      )
  })
  const { after, before, healthy, outcome, seconds, underway, victims } = fuzzed
  const faults = faultsOf(fuzzed)
  for (const fault of faults) process.stderr.write(`  ${fault}\n`)
  const { cases, ends, inputs } = outcome
  return {
    name: "fuzz",
    title: "Fuzzing of the gateway",
    conditions: [
      `${(seconds / 60).toFixed(1)} minutes, seed ${seed}, ${PEERS} peers at once: strangers, programs with a read token, browsers with a cookie; ${HEALTHY} sessions beside them that only watch. \`node src/app/main.ts ${fuzzServerOptions}\`, with --expose-gc.`,
      `${thousands(sum(cases))} connections (${thousands(sum(cases, "HTTP"))} over HTTP, ${thousands(sum(cases, "handshake"))} handshakes, ${thousands(sum(cases, "frames"))} of frames, ${thousands(sum(cases, "lines"))} of RPC lines), ${thousands(inputs)} inputs, ${thousands(outcome.answers)} answers of ${megabytes(outcome.answerBytes)} MB looked through for SQL, paths and stacks; ${victims} accounts signed out, banned or deleted themselves.`,
      `How connections ended: ${told(ends)} (left: by the peer, which had its answer).`,
      `The sessions beside them: ${thousands(healthy.updates)} updates, to the socket p50 ${millis(healthy.toSocket.p50)}, p99 ${millis(healthy.toSocket.p99)}, at most ${millis(healthy.toSocket.max)} ms.`
    ],
    head: ["", "before", ...underway.map((_, index) => `${MEMORY_MINUTES * (index + 1)} min`), "after"],
    rows: memory.map(([name, show]) => [name, ...[before, ...underway, after].map(show)]),
    verdicts: [
      `${faults.length === 0 ? "No fault" : `${faults.length} FAULTS`}: the process lives, no session beside was closed or missed an update, no error in its log, no answer with internals, every gauge back.`
    ]
  }
}
