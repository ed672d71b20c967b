/** TradingView's lightweight-charts, dressed in the theme's colours, on New York time, with gaps for closed time. */
import {
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  type IPriceLine,
  LineStyle,
  type SeriesMarker,
  type Time,
  type UTCTimestamp
} from "lightweight-charts"
import type { Bar, Interval } from "../../../src/rpc/market.ts"
import { formatCompact, formatPrice } from "../format/numbers.ts"
import { newYorkWall } from "../format/time.ts"
import { token } from "../shell/theme.ts"
import { isDaily } from "./ranges.ts"
import { isRevised, type Slot, slotsOf } from "./series.ts"

const FEWEST_SHOWN = 60

const colors = () => ({
  up: token("up"),
  down: token("down"),
  ink: token("ink"),
  soft: token("soft"),
  line: token("line"),
  strong: token("line-strong"),
  panel: token("panel"),
  warn: token("warn")
})

const at = (slot: { readonly wall: number }): UTCTimestamp => Math.floor(slot.wall / 1_000) as UTCTimestamp
const wallDate = (time: Time): Date => new Date(typeof time === "number" ? time * 1_000 : String(time))
const shortDay = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC"
})

export interface ChartListeners {
  /** The bar under the crosshair; null when it left. */
  readonly onHover: (bar: Bar | null) => void
  /** The reader has scrolled near the oldest bar. */
  readonly onNearStart: () => void
}

export const makePriceChart = (element: HTMLElement, listeners: ChartListeners) => {
  let slots: Array<Slot> = []
  let byTime = new Map<number, Bar>()
  let interval: Interval = "1m"
  let palette = colors()
  let closeLine: IPriceLine | null = null
  let previousClose: number | null = null

  const chart = createChart(element, { autoSize: true })
  const candles = chart.addSeries(CandlestickSeries, { priceLineStyle: LineStyle.Dotted, borderVisible: false })
  const volume = chart.addSeries(HistogramSeries, {
    priceFormat: { type: "custom", formatter: (value: number) => formatCompact(value), minMove: 1 },
    priceScaleId: "volume",
    lastValueVisible: false,
    priceLineVisible: false
  })
  candles.priceScale().applyOptions({ scaleMargins: { top: element.clientWidth < 600 ? 0.16 : 0.08, bottom: 0.24 } })
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } })
  const markers = createSeriesMarkers<Time>(candles, [])

  const dress = () => {
    palette = colors()
    chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: palette.panel },
        textColor: palette.soft,
        fontFamily: getComputedStyle(document.body).fontFamily,
        fontSize: 11,
        // the licence asks for it, and it is deserved
        attributionLogo: true
      },
      grid: { vertLines: { color: palette.line }, horzLines: { color: palette.line } },
      crosshair: {
        mode: CrosshairMode.Normal,
        vertLine: { color: palette.soft, labelBackgroundColor: palette.strong },
        horzLine: { color: palette.soft, labelBackgroundColor: palette.strong }
      },
      rightPriceScale: { borderColor: palette.line },
      timeScale: { borderColor: palette.line, rightOffset: 4, minBarSpacing: 0.3 },
      localization: { priceFormatter: (price: number) => formatPrice(price) }
    })
    candles.applyOptions({
      upColor: palette.up,
      downColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down
    })
  }

  const candle = (slot: Slot) =>
    slot.bar === null
      ? { time: at(slot) }
      : { time: at(slot), open: slot.bar.open, high: slot.bar.high, low: slot.bar.low, close: slot.bar.close }
  const column = (slot: Slot) =>
    slot.bar === null
      ? { time: at(slot) }
      : {
          time: at(slot),
          value: slot.bar.volume,
          color: `${slot.bar.close >= slot.bar.open ? palette.up : palette.down}66`
        }
  const marksOf = (): Array<SeriesMarker<Time>> =>
    slots.flatMap((slot) =>
      slot.bar !== null && isRevised(slot.bar)
        ? [{ time: at(slot), position: "aboveBar" as const, shape: "circle" as const, color: palette.warn, text: "R" }]
        : []
    )

  const redraw = () => {
    candles.setData(slots.map(candle))
    volume.setData(slots.map(column))
    markers.setMarkers(marksOf())
  }
  const applyTimeStyle = () => {
    const daily = isDaily(interval)
    chart.applyOptions({
      timeScale: { timeVisible: !daily, secondsVisible: interval.endsWith("s") },
      localization: {
        priceFormatter: (price: number) => formatPrice(price),
        timeFormatter: (time: Time) => {
          const date = wallDate(time)
          const day = shortDay.format(date)
          return daily ? day : `${day} ${date.toISOString().slice(11, interval.endsWith("s") ? 19 : 16)} ET`
        }
      }
    })
  }

  chart.subscribeCrosshairMove((param) => {
    listeners.onHover(typeof param.time === "number" ? (byTime.get(param.time) ?? null) : null)
  })
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    if (range !== null && slots.length > 0 && range.from < 30) listeners.onNearStart()
  })
  dress()

  return {
    /** All bars anew. The place looked at stays, as the library keeps it when older bars come in front. */
    setBars: (bars: ReadonlyArray<Bar>, of: Interval) => {
      interval = of
      applyTimeStyle()
      slots = [...slotsOf(bars, interval)]
      byTime = new Map(slots.flatMap((slot) => (slot.bar === null ? [] : [[at(slot), slot.bar] as const])))
      redraw()
    },
    /** The newest bar moved or a new one follows. False when it does not fit at the end: then setBars. */
    setLast: (bar: Bar): boolean => {
      const end = slots.at(-1)
      const wall = newYorkWall(bar.time)
      if (end === undefined || end.bar === null || wall < end.wall) return false
      // what lies between the two goes in as well: holes, or the gap of a night
      const tail = wall === end.wall ? [{ wall, bar }] : slotsOf([end.bar, bar], interval).slice(1)
      if (wall === end.wall) slots.pop()
      for (const slot of tail) {
        slots.push(slot)
        candles.update(candle(slot))
        volume.update(column(slot))
      }
      byTime.set(Math.floor(wall / 1_000), bar)
      if (isRevised(bar)) markers.setMarkers(marksOf())
      return true
    },
    /** Shows from `start` (ms since epoch; null: everything) to the newest bar. */
    showFrom: (start: number | null) => {
      if (slots.length === 0) return
      const wall = start === null ? Number.NEGATIVE_INFINITY : newYorkWall(start)
      const first = Math.max(
        0,
        slots.findIndex((slot) => slot.wall >= wall)
      )
      const from = Math.max(
        Math.min(first, slots.length - FEWEST_SHOWN),
        slots.length < FEWEST_SHOWN ? -FEWEST_SHOWN + slots.length : 0
      )
      chart
        .timeScale()
        .setVisibleLogicalRange({ from: from - 0.5, to: slots.length + Math.max(2, (slots.length - from) * 0.025) })
    },
    setPreviousClose: (price: number | null, shown: boolean) => {
      const wanted = shown ? price : null
      if (wanted === previousClose) return
      previousClose = wanted
      if (closeLine !== null) candles.removePriceLine(closeLine)
      closeLine =
        wanted === null
          ? null
          : candles.createPriceLine({
              price: wanted,
              color: palette.soft,
              lineStyle: LineStyle.SparseDotted,
              lineWidth: 1,
              axisLabelVisible: false,
              title: "prev close"
            })
    },
    dress: () => {
      dress()
      applyTimeStyle()
      redraw()
      closeLine?.applyOptions({ color: palette.soft })
    },
    remove: () => chart.remove()
  }
}
