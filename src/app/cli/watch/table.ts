/** The live table as lines that fit the terminal. Pure: the view, the time and the size in, text out. */
import { age, change, columns, count, duration, newYorkTime, phaseText, price, priceOr } from "../format.ts"
import { paint } from "../paint.ts"
import { ageOf, allStale, type MarketView, type Row } from "./MarketView.ts"

export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly colours: boolean
}

const HEAD = ["SYMBOL", "LAST", "CHANGE", "%", "BID", "ASK", "VOLUME", "AGE"]
const NUMBERS = HEAD.map((_, i) => i > 0)
/** How long a changed price stands out. */
const FLASH_MILLIS = 600

const cells = (row: Row, now: number): ReadonlyArray<string> => {
  const { quote, symbol } = row
  // its reason is longer than any price: put beside the columns, not into them
  if (row.refused !== undefined) return [symbol]
  if (quote === undefined) return [symbol, "…"]
  const difference = change(quote.last, quote.previousClose)
  const old = ageOf(row, now)
  return [
    `${symbol}${quote.halted ? " HALTED" : ""}${row.awaiting ? " STALE" : ""}`,
    priceOr(quote.last),
    difference?.amount ?? "–",
    difference?.percent ?? "–",
    priceOr(quote.bid),
    priceOr(quote.ask),
    count(quote.volume),
    old === undefined ? "–" : age(old)
  ]
}

const openText = (view: MarketView): { readonly text: string; readonly well: boolean } => {
  if (view.resuming) return { text: "○ connected, resuming, values are stale", well: false }
  if (view.feedDownSince !== undefined) return { text: "○ feed down, values are stale", well: false }
  const stale = view.rows.filter((row) => row.awaiting && row.quote !== undefined && row.refused === undefined).length
  const refused = view.rows.filter((row) => row.refused !== undefined).length
  const text = [
    "● connected",
    ...(stale === 0 ? [] : [`${count(stale)} ${stale === 1 ? "value is" : "values are"} stale`]),
    ...(refused === 0 ? [] : [`${count(refused)} refused`])
  ].join(", ")
  return { text, well: stale === 0 && refused === 0 }
}

/** The connection in words. */
const connectionText = (view: MarketView, now: number): { readonly text: string; readonly well: boolean } => {
  const { connection } = view
  switch (connection.status) {
    case "open":
      return openText(view)
    case "connecting":
      return { text: "○ connecting", well: false }
    case "closed":
      return { text: "○ closed", well: false }
    case "signed-out":
      return { text: "○ signed out, values are stale", well: false }
    case "reconnecting": {
      const wait = connection.retryAt - now
      return {
        text: `○ reconnecting, try ${connection.attempt}${wait > 0 ? ` in ${duration(wait)}` : ""}, values are stale`,
        well: false
      }
    }
  }
}

/** "LZStock  SIMULATED  ● connected  as of 10:31:07 New York, regular session  every 100 ms" */
const header = (view: MarketView, now: number, colours: boolean): string => {
  const { text, well } = connectionText(view, now)
  let newest: Row["quote"]
  for (const { quote, refused } of view.rows) {
    if (quote !== undefined && refused === undefined && quote.exchangeTime > (newest?.exchangeTime ?? 0)) newest = quote
  }
  // the newest tick's, not the present one's: in a quiet market that may be hours ago
  const market =
    newest === undefined ? "" : `as of ${newYorkTime(newest.exchangeTime)} New York, ${phaseText[newest.session]}`
  const window = view.windowMillis === 0 ? "every update" : `every ${view.windowMillis} ms`
  return [
    paint(colours, "bold", "LZStock"),
    paint(colours, "reverse", view.label === undefined ? "…" : ` ${view.label} `),
    paint(colours, well ? "up" : "warn", text),
    ...(market === "" ? [] : [market]),
    paint(colours, "dim", window)
  ].join("  ")
}

const ESCAPE = "\u001b"

/** At most `width` visible characters; colours cost nothing and are closed at the cut. */
export const crop = (line: string, width: number): string => {
  let visible = 0
  let i = 0
  for (; i < line.length; i++) {
    if (line[i] === ESCAPE) {
      i = line.indexOf("m", i)
      if (i === -1) return line
    } else if (visible++ === width) break
  }
  return i >= line.length ? line : `${line.slice(0, i)}${line.includes(ESCAPE) ? `${ESCAPE}[0m` : ""}`
}

const style = (row: Row, stale: boolean) => {
  if (stale || row.awaiting || row.refused !== undefined) return "dim" as const
  return row.quote === undefined ? undefined : change(row.quote.last, row.quote.previousClose)?.direction
}

/** As many rows as fit; what does not is counted. */
export const renderTable = (view: MarketView, now: number, screen: Screen): ReadonlyArray<string> => {
  const { colours } = screen
  const notices = view.notices.map(({ at, text }) =>
    paint(colours, "warn", `${age(now - at).padStart(4)} ago  ${text}`)
  )
  // header, column names, room for "more", a free last line
  const room = Math.max(1, screen.rows - notices.length - 4)
  const shown = view.rows.length > room ? view.rows.slice(0, room) : view.rows
  const hidden = view.rows.length - shown.length
  const [names = "", ...lines] = columns([HEAD, ...shown.map((row) => cells(row, now))], NUMBERS)
  const stale = allStale(view)
  const body = lines.map((line, i) => {
    const row = shown[i]
    if (row === undefined) return line
    const painted = paint(colours, style(row, stale), row.refused === undefined ? line : `${line}  ${row.refused}`)
    return row.moved !== undefined && now - row.movedAt < FLASH_MILLIS ? paint(colours, "bold", painted) : painted
  })
  return [
    header(view, now, colours),
    paint(colours, "dim", names),
    ...body,
    ...(hidden > 0 ? [paint(colours, "dim", `… ${hidden} more: a taller window shows them`)] : []),
    ...notices
  ].map((line) => crop(line, screen.columns))
}

/** One quote as a line for a log or a pipe. */
export const plainLine = (row: Row, label: string | undefined): string => {
  const { quote, symbol } = row
  if (quote === undefined) return symbol
  const difference = change(quote.last, quote.previousClose)
  const side = (value: number | null, size: number) => (value === null ? "–" : `${price(value)} x ${count(size)}`)
  return [
    quote.exchangeTime === 0 ? "--:--:--" : newYorkTime(quote.exchangeTime),
    symbol.padEnd(6),
    priceOr(quote.last),
    difference === null ? "–" : `${difference.amount} ${difference.percent}`,
    `bid ${side(quote.bid, quote.bidSize)}`,
    `ask ${side(quote.ask, quote.askSize)}`,
    `vol ${count(quote.volume)}`,
    ...(quote.halted ? ["HALTED"] : []),
    label ?? ""
  ]
    .join("  ")
    .trimEnd()
}
