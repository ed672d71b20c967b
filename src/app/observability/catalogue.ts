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

const counter = (help: string, ...always: ReadonlyArray<string>): Description => ({ type: "counter", help, always })
const gauge = (help: string, ...always: ReadonlyArray<string>): Description => ({ type: "gauge", help, always })
const noted = [
  "late",
  "cancelled",
  "corrected",
  "unknown-id",
  "malformed",
  "before-today",
  "beyond-kept",
  "told-again",
  "repeated",
  "missed"
]
const kinds = ['kind="session"', 'kind="ticker"']

export const catalogue: Readonly<Record<string, Description>> = {
  // what is open
  sessions_active: gauge("Open WebSocket sessions on this node.", ""),
  topic_subscriptions_active: gauge("Open subscriptions on the bus that watchers caused.", ""),
  standing_subscriptions_active: gauge("Subscriptions on the bus that a node holds as long as it runs.", ""),
  actors_active: gauge("Running actors by kind.", ...kinds),
  watches_active: gauge("Open watch streams, over all sessions.", ""),
  watched_symbols_active: gauge("Symbols with at least one watcher on this node.", ""),
  watched_slots_active: gauge("Symbols watched, summed over all sessions.", ""),
  live_bars_active: gauge("Live bars worked out for watchers: one per symbol and interval.", ""),

  companies_searched: gauge("Companies that search knows on this node.", ""),
  company_index_bytes: gauge("Memory of the search index itself.", ""),

  company_syncs_total: counter(
    "Syncs of the companies that this worker ended, by how: done; why the SEC could not be read; failed: what it said could not be taken in.",
    ...["done", "off", "refused", "busy", "malformed", "failed"].map((result) => `result="${result}"`)
  ),
  company_details_read_total: counter("Companies whose particulars were read.", ""),

  // the SEC
  sec_requests_active: gauge("Requests to the SEC under way.", ""),
  sec_requests_total: counter(
    "Requests to the SEC by result: ok; missing (404); moved (redirect); busy (it wants a pause); refused (403); failed (no answer in time, or an error of its own); malformed (cut short, too large, or not of its shape); interrupted.",
    ...["ok", "missing", "moved", "busy", "refused", "failed", "malformed", "interrupted"].map(
      (result) => `result="${result}"`
    )
  ),
  sec_bytes_total: counter("Bytes of answers that came from the SEC, as sent.", ""),

  // the stores of investors
  credential_store_reads_total: counter(
    "Times a store was asked about what a connection showed: a cookie or a ticket takes one, a token three.",
    ""
  ),
  sign_ins_unavailable_total: counter(
    "Times the store of sign-ins was asked and gave no answer: whoever waited was told to try again.",
    ""
  ),
  audit_entries_dropped_total: counter(
    "Entries of the audit log that were lost: too many waited for the database, or this process ended without it.",
    ""
  ),
  attempts_counted_alone_total: counter(
    "Tries to sign in and the like that this node counted by itself, for Redis was away or late.",
    ""
  ),

  // feed and ticker actors
  feed_up: gauge("1 while the feed is delivering, 0 while it is down.", ""),
  feed_failures_total: counter("Times the feed failed and was started again.", ""),
  ticks_folded_total: counter("Ticks folded by this node's ticker actors, those left out too.", ""),
  ticks_noted_total: counter(
    "Ticks that were not plain news, by kind: late, cancelled and corrected were worked in; unknown-id, malformed, before-today, told-again and repeated were left out; beyond-kept moved the day but no finished bar; missed never came.",
    ...noted.map((kind) => `kind="${kind}"`)
  ),
  ticks_dropped_total: counter("Ticks lost before a mailbox, by reason; watchers were told."),
  quote_encodings_total: counter("Quotes encoded: once per published update, whatever the number of sessions.", ""),
  shard_claims_total: counter("Tick shards this node has claimed: when it gained one, and after a refused write.", ""),
  stale_owner_writes_refused_total: counter(
    "Writes refused because the shard had been claimed by another owner since: this node had been paused or cut off.",
    ""
  ),
  actor_restarts_total: counter("Actors started again after a crash, by kind.", ...kinds),
  actor_escalations_total: counter("Actors given up after too many crashes, by kind.", ...kinds),
  parked_batches_total: counter("Batches set aside because they crashed the fold again and again.", ""),
  checkpoint_failures_total: counter("Ticker checkpoints that could not be stored.", ""),
  ticker_checkpoints_discarded_total: counter(
    "Ticker checkpoints that could not be used; the actor started empty.",
    ""
  ),
  ticker_unclean_stops_total: counter("Ticker actors that stopped without their last checkpoint.", ""),
  bar_store_failures_total: counter("Writes of finished bars that failed and will be tried again.", ""),
  bars_forgotten_total: counter("Finished bars dropped because the store failed for too long.", ""),
  bar_store_evicted_total: counter("Bars dropped from the bounded store in memory, by interval."),

  // sessions
  updates_delivered_total: counter("Updates written to sessions.", ""),
  session_flushes_total: counter("Socket writes with updates in them.", ""),
  session_bytes_total: counter("Bytes written to sessions by the spliced path.", ""),
  hub_feeder_failures_total: counter("Failures behind a watched symbol, each started again.", ""),
  session_blocked_total: counter("Flushes put off because the peer was not reading.", ""),
  session_reaped_total: counter("Sessions ended because the peer had vanished.", ""),
  session_closes_total: counter("Sessions closed by this server, by close code."),
  session_failures_total: counter("Session actors that failed and were closed.", ""),
  upgrades_refused_total: counter("WebSocket upgrades refused, by reason."),
  strangers_active: gauge("Open sessions that have not said yet who they are.", ""),
  password_hashes_active: gauge("Passwords being hashed, or waiting for it.", ""),
  password_hashes_total: counter("Passwords hashed, to make or to verify one.", ""),
  password_hashes_refused_total: counter("Sign-ins told to try again later because too many waited for a hash.", ""),
  node_window_millis: gauge("Conflation window this node imposes under load; 0 = as asked for.", ""),

  // NATS
  nats_connected: gauge("1 while this process's connection to NATS is open, else 0.", ""),
  nats_disconnects_total: counter("Times the connection to NATS broke.", ""),
  nats_handler_failures_total: counter("Handlers of NATS messages that threw; nothing else was touched.", ""),
  nats_links_active: gauge("Open virtual connections between nodes, counted at each end.", ""),
  nats_frames_refused_total: counter(
    "Frames, dials and answers to this node alone that made no sense and were refused.",
    ""
  ),

  runners_lost_total: counter("Runners of the cluster that this node found gone.", ""),

  // quote snapshots in Redis
  redis_connected: gauge("1 while the connection to Redis is there, 0 while it is away."),
  quote_cache_written_total: counter("Quotes written to the cache because they were newer than what it had."),
  quote_cache_dropped_total: counter(
    "Quotes not written: a newer one came while Redis was away, or Redis refused the write."
  ),
  quote_cache_refused_total: counter("Cached values that were no quote of their symbol, taken for absent."),

  // machinery
  database_workers_active: gauge("Embedded databases open in this process.", ""),
  database_connections_active: gauge("Connections to the embedded database.", ""),
  database_restarts_total: counter(
    "Times the embedded database stopped by itself; it is started again when asked.",
    ""
  ),
  wheel_task_failures: counter("Tasks of the timing wheel that failed.", ""),
  bus_subscriber_failures: counter("Bus messages whose subscriber failed.", ""),
  bus_messages_refused_total: counter("Messages from other processes that were none of their topic.", ""),
  bus_messages_dropped_total: counter(
    "Messages not sent or not taken: NATS was away or too slow, or the subscribers were.",
    ""
  ),

  // outbox
  outbox_waiting: gauge("Events seen in the outbox when it was last looked at: those that have not left it yet.", ""),
  outbox_published_total: counter("Events that this node moved from the outbox to where others read them.", ""),
  outbox_parked_total: counter("Events in the outbox that could not be read; set aside in outbox_parked.", ""),
  outbox_failures_total: counter(
    "Times events could not leave the outbox, because NATS or the database was away; tried again.",
    ""
  ),

  // tick stream and dead letters
  tick_shards_active: gauge("Tick shards this node owns and reads.", ""),
  tick_messages_published_total: counter("Messages acknowledged by the tick stream.", ""),
  tick_publish_retries_total: counter("Messages of ticks sent again for want of an acknowledgement.", ""),
  tick_bytes_unsettled: gauge("Bytes this node's feed has in the tick stream that no owner has settled.", ""),
  tick_stream_gaps_total: counter("Messages that the tick stream's window lost before they were read here.", ""),
  tick_stream_tails_lost_total: counter(
    "Times a shard was read from its first message: NATS had lost the stream's end.",
    ""
  ),
  tick_messages_refused_total: counter("Messages on tick subjects that were none; set aside as dead letters.", ""),
  tick_reader_failures_total: counter("Times a reader of the tick stream could not be opened.", ""),
  tick_shards_read_again_total: counter("Times a shard was read again from what was settled.", ""),
  tick_settle_failures_total: counter("Times a shard could not be settled because the store was away.", ""),
  dead_letters_total: counter("Dead letters stored.", ""),
  dead_letters_lost_total: counter("Dead letters dropped because NATS was away and too many waited.", "")
}

export const describe = (name: string): Description =>
  catalogue[name] ?? {
    type: name.endsWith("_total") ? "counter" : "gauge",
    help: `${name.replaceAll("_", " ")}.`
  }
