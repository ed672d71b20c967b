/** What may be tuned about ticker actors, and where tests put their faults. */
import { Context } from "effect"
import type { TickBatch } from "../../rpc/ticks.ts"

export interface TickerSettings {
  /** Batches a mailbox holds; then publishers wait (A6). */
  readonly mailboxBatches: number
  /** Ticks folded between checkpoints: what a crash replays at most, but for one mailbox. */
  readonly journalTicks: number
  /** More tries for a batch that crashed the fold, before it is parked (A5). */
  readonly poisonRetries: number
  /** Restarts allowed within `periodMillis`; one more and the actor stays down for `coolDownMillis`. */
  readonly intensity: number
  readonly periodMillis: number
  readonly coolDownMillis: number
  /** Passivated after this long without ticks, calls or holders; the cluster looks every 5 s. */
  readonly maxIdleMillis: number
  /** How long after its end a bar of a quiet symbol becomes final: trades of its last moment may still be under way. */
  readonly closeGraceMillis: number
  /** A live feed's batch waits this long for room in a mailbox, then it is dropped and the watchers are told. */
  readonly overflowMillis: number
  /** After a node's start, symbols whose owner is not known yet are asked for rather than ignored for this long. */
  readonly shardSettleMillis: number
  /** Unsaved finished bars an actor keeps while the bar store fails. */
  readonly unsavedBars: number
  /** After a refused write: how long it takes the cluster at most to notice that a shard is another node's. */
  readonly doubtMillis: number
  /** How long an actor that stops may take to fold what is left, and to have it durable. */
  readonly stopMillis: number
}

export const TickerSettings: Context.Reference<TickerSettings> = Context.Reference(
  "lzstock/actors/market/TickerSettings",
  {
    defaultValue: () => ({
      mailboxBatches: 256,
      journalTicks: 256,
      poisonRetries: 2,
      intensity: 10,
      periodMillis: 30_000,
      coolDownMillis: 10_000,
      maxIdleMillis: 120_000,
      closeGraceMillis: 500,
      overflowMillis: 2_000,
      shardSettleMillis: 30_000,
      unsavedBars: 2_000,
      doubtMillis: 5_000,
      stopMillis: 3_000
    })
  }
)

/** Called before each batch is folded; a test makes it throw. Does nothing in production. */
export const FoldFault: Context.Reference<(symbol: string, batch: TickBatch) => void> = Context.Reference(
  "lzstock/actors/market/FoldFault",
  { defaultValue: () => (_symbol: string, _batch: TickBatch) => {} }
)
