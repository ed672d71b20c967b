/**
 * What each name in Gauges means, for `# HELP` and `# TYPE`. A name that is not here is shown as well (`_total` = counter,
 * else gauge), so that a forgotten entry costs a sentence, not a metric.
 */
import type { MetricType } from "./prometheus.ts"

export interface Description {
  readonly type: MetricType
  readonly help: string
  /** Label sets shown from the start, with 0, so that "none" and "not measured" differ. */
  readonly always?: ReadonlyArray<string>
}

export const catalogue: Readonly<Record<string, Description>> = {
  sessions_active: { type: "gauge", help: "Open WebSocket sessions on this node.", always: [""] },
  topic_subscriptions_active: { type: "gauge", help: "Open subscriptions on the bus.", always: [""] },
  actors_active: {
    type: "gauge",
    help: "Running actors by kind.",
    always: ['kind="session"', 'kind="ticker"']
  },
  actor_restarts_total: {
    type: "counter",
    help: "Actors started again after a crash, by kind.",
    always: ['kind="session"', 'kind="ticker"']
  },
  actor_escalations_total: {
    type: "counter",
    help: "Actors given up after too many crashes, by kind.",
    always: ['kind="session"', 'kind="ticker"']
  },
  feed_up: { type: "gauge", help: "1 while the feed is delivering, 0 while it is down.", always: [""] },
  feed_failures_total: { type: "counter", help: "Times the feed failed and was started again.", always: [""] },
  session_failures_total: { type: "counter", help: "Session actors that failed and were closed.", always: [""] },
  node_window_millis: {
    type: "gauge",
    help: "Conflation window of this node under load; 0 = as asked for.",
    always: [""]
  },
  upgrades_refused_total: { type: "counter", help: "WebSocket upgrades refused, by reason." },
  watched_slots_active: { type: "gauge", help: "Symbols watched, summed over all sessions.", always: [""] },
  wheel_task_failures: { type: "counter", help: "Tasks of the timing wheel that failed.", always: [""] },
  bus_subscriber_failures: { type: "counter", help: "Bus messages whose subscriber failed.", always: [""] }
}

export const describe = (name: string): Description =>
  catalogue[name] ?? {
    type: name.endsWith("_total") ? "counter" : "gauge",
    help: `${name.replaceAll("_", " ")}.`
  }
