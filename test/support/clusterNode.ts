/** One such node as a process, to be killed: `node test/support/clusterNode.ts` with its options as JSON in CLUSTER_NODE. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { type NodeOptions, nodeLayer } from "./clusterNodes.ts"

const options: NodeOptions = JSON.parse(process.env.CLUSTER_NODE ?? "{}")

nodeLayer(options).pipe(
  Layer.tap(() => Effect.sync(() => process.stdout.write("ready\n"))),
  Layer.launch,
  NodeRuntime.runMain
)
