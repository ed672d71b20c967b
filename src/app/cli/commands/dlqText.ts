/** How dead letters read on a terminal. Pure. */
import { type Tick, toDollars } from "../../../rpc/ticks.ts"
import type { StoredDeadLetter } from "../../nats/deadletters/deadLetterBox.ts"
import * as format from "../format.ts"

const HEAD = ["NUMBER", "TIME (NEW YORK)", "SYMBOL", "TICKS", "REASON"]

export const table = (letters: ReadonlyArray<StoredDeadLetter>): ReadonlyArray<string> =>
  format.columns(
    [
      HEAD,
      ...letters.map(({ batch, facts, number }) => [
        String(number),
        format.newYorkDateTime(facts.time),
        batch?.symbol ?? facts.symbol ?? "–",
        batch === undefined ? "–" : format.count(batch.ticks.length),
        facts.reason
      ])
    ],
    [true, false, false, true]
  )

const price = (value: number): string => format.price(toDollars(value))

const tickLine = (tick: Tick): string => {
  const time = `${format.newYorkDateTime(tick.time)}.${String(tick.time % 1000).padStart(3, "0")}`
  switch (tick._tag) {
    case "Trade":
      return `${time}  trade ${tick.id}: ${format.count(tick.size)} at ${price(tick.price)} on ${tick.exchange}, conditions ${tick.conditions}`
    case "TopOfBook":
      return `${time}  quote: ${format.count(tick.bidSize)} at ${price(tick.bid)}, ${format.count(tick.askSize)} at ${price(tick.ask)}`
    case "TradeCancel":
      return `${time}  cancel of trade ${tick.id}`
    case "TradeCorrection":
      return `${time}  correction of trade ${tick.id}: ${format.count(tick.size)} at ${price(tick.price)}, conditions ${tick.conditions}`
    case "TradingStatus":
      return `${time}  ${tick.halted ? "halted" : "trading resumed"}`
    case "DaySoFar":
      return (
        `${time}  day so far: open ${price(tick.open)}, high ${price(tick.high)}, low ${price(tick.low)}, close ${price(tick.close)}, ` +
        `last ${price(tick.last)}, ${format.count(tick.volume)} shares in ${format.count(tick.trades)} trades`
      )
  }
}

const BYTES_A_LINE = 16
const MAX_DUMPED = 4096

/** `00000000  7b 22 62 22 …  {"b"…`; the first 4 KB. */
const hexDump = (bytes: Uint8Array): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (let at = 0; at < Math.min(bytes.length, MAX_DUMPED); at += BYTES_A_LINE) {
    const row = [...bytes.subarray(at, Math.min(at + BYTES_A_LINE, MAX_DUMPED))]
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("")
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(BYTES_A_LINE * 3 - 1)}  ${text}`)
  }
  if (bytes.length > MAX_DUMPED) lines.push(`… ${format.count(bytes.length - MAX_DUMPED)} bytes more`)
  return lines
}

export const page = ({ batch, bytes, facts, number }: StoredDeadLetter): ReadonlyArray<string> => {
  const { reason, seq, subject, symbol, time } = facts
  const from = subject === undefined ? undefined : `${subject}${seq === undefined ? "" : `, message ${seq}`}`
  const head: ReadonlyArray<readonly [name: string, value: string | undefined]> = [
    ["number", String(number)],
    ["parked", `${format.newYorkDateTime(time)} New York`],
    ["symbol", batch?.symbol ?? symbol],
    ["reason", reason],
    ["read from", from],
    ["run", batch?.origin === undefined ? undefined : `${batch.origin.run}, from tick ${batch.origin.from}`],
    [
      "holds",
      batch === undefined
        ? `${format.count(bytes.length)} bytes that are no batch`
        : `${format.count(batch.ticks.length)} ticks`
    ]
  ]
  return [
    ...head.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(10)}${value}`])),
    "",
    ...(batch === undefined ? hexDump(bytes) : batch.ticks.map(tickLine))
  ]
}

/** One object, for programs; `whole`: with what is in it. */
export const record = ({ batch, bytes, facts, number }: StoredDeadLetter, whole: boolean): Record<string, unknown> => ({
  number,
  time: facts.time,
  symbol: batch?.symbol ?? facts.symbol ?? null,
  ticks: batch === undefined ? null : batch.ticks.length,
  bytes: bytes.length,
  reason: facts.reason,
  source: facts.subject === undefined ? null : { subject: facts.subject, seq: facts.seq ?? null },
  ...(whole ? (batch === undefined ? { base64: Buffer.from(bytes).toString("base64") } : { batch }) : {})
})
