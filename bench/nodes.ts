/** Many nodes: what the same actors cost and how they fare over NATS and PostgreSQL, in processes of their own. */
import { calls } from "./nodes/calls.ts"
import { failover } from "./nodes/failover.ts"
import { latency } from "./nodes/latency.ts"
import { memory } from "./nodes/memory.ts"
import { ticks } from "./nodes/ticks.ts"
import type { Report } from "./support/report.ts"

export const nodes: Readonly<Record<string, (scale: number) => Promise<Report>>> = {
  ticks,
  latency,
  calls,
  failover,
  memory
}
