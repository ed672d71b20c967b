/** Ticks folded per core: the fold alone, and through bus, router and ticker actors, beside a plain loop. */
import type { Folded, Folding } from "./servers/folding.ts"
import type { Work } from "./support/morning.ts"
import { start } from "./support/processes.ts"
import { against, median, type Report, thousands } from "./support/report.ts"

const HOW = ["plain", "alone", "actors"] as const
const ROUNDS = 3

const once = async (how: (typeof HOW)[number], work: Work): Promise<Folded> => {
  const process = await start<Folding>("servers/folding.ts", { node: ["--expose-gc"] })
  try {
    return await process.ask("fold", { how, work })
  } finally {
    await process.end()
  }
}

export const fold = async (scale: number): Promise<Report> => {
  const ticks = Math.round(300_000 * scale)
  const rows: Array<ReadonlyArray<string>> = []
  let through = 0
  for (const ticksPerBatch of [1, 5]) {
    const work: Work = { symbols: 500, batches: Math.round(ticks / ticksPerBatch), ticksPerBatch }
    const rate = { plain: 0, alone: 0, actors: 0 }
    const cores = { plain: 0, alone: 0, actors: 0 }
    for (const how of HOW) {
      const rounds: Array<Folded> = []
      for (let round = 0; round < ROUNDS; round++) rounds.push(await once(how, work))
      rate[how] = median(rounds.map((folded) => folded.ticks / folded.cpuSeconds))
      cores[how] = median(rounds.map((folded) => folded.cpuSeconds / folded.seconds))
    }
    const label = ticksPerBatch === 1 ? "1 trade a batch" : `${ticksPerBatch} trades a batch`
    rows.push([label, ...HOW.map((how) => thousands(rate[how]))])
    rows.push(["… cores used", ...HOW.map((how) => cores[how].toFixed(2))])
    if (ticksPerBatch === 5) through = rate.actors
  }
  return {
    name: "fold",
    title: "Ticks folded per CPU-second",
    conditions: [
      `${thousands(ticks)} trades of 500 symbols over half an hour of market time, in process; the second pass in a fresh process is measured, median of ${ROUNDS} processes. CPU is the whole process's, its garbage collection included.`,
      "Plain loop: a Map of objects with last, volume and a minute bar. Fold: conditions, late trades, quote, second, minute and day bars, trades kept for corrections. Actors: published on the bus, routed, through mailboxes into supervised ticker actors with checkpoints and bar store; every symbol is watched, so its quote is encoded and published too."
    ],
    head: ["ticks per CPU-second", "plain loop", "fold alone", "through actors"],
    rows,
    verdicts: [against("Through bus, router and actors, 5 a batch", through, 50_000, 250_000, thousands, "more")]
  }
}
