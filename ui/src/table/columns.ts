/** The table's columns: what they are called and what they sort by. Widths are in table.css. */
import type { SortKey } from "./order.ts"

export interface Column {
  readonly id: string
  readonly label: string
  readonly sort: SortKey | null
  readonly title: string
  readonly numeric: boolean
}

export const columns: ReadonlyArray<Column> = [
  { id: "symbol", label: "Symbol", sort: "symbol", title: "Symbol and company", numeric: false },
  { id: "spark", label: "Today", sort: null, title: "Today's course; dotted: previous close", numeric: false },
  { id: "last", label: "Last", sort: "last", title: "Last eligible trade, dollars", numeric: true },
  { id: "change", label: "Change", sort: "change", title: "Against the previous close, dollars", numeric: true },
  { id: "percent", label: "Change %", sort: "percent", title: "Against the previous close", numeric: true },
  { id: "bid", label: "Bid", sort: "bid", title: "Best bid, dollars", numeric: true },
  { id: "ask", label: "Ask", sort: "ask", title: "Best offer, dollars", numeric: true },
  { id: "volume", label: "Volume", sort: "volume", title: "Shares traded today, all sessions", numeric: true },
  { id: "range", label: "Day range", sort: "range", title: "Last between the day's low and high", numeric: false },
  { id: "age", label: "Age", sort: "age", title: "Market time since the newest tick", numeric: true }
]
