/** A decoration: candles that mean nothing, the same ones every time. */
import { For } from "solid-js"

const WIDTH = 18
const COUNT = 44

interface Candle {
  readonly x: number
  readonly open: number
  readonly close: number
  readonly high: number
  readonly low: number
}

/** A small pseudo-random walk; 0 … 1 from a seed. */
const makeCandles = (): ReadonlyArray<Candle> => {
  let seed = 20_240_305
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed / 2_147_483_648
  }
  let level = 545
  return Array.from({ length: COUNT }, (_, i) => {
    const open = level
    const close = open - 4.6 + 17 * Math.sin(i / 4.6 + 2.4) + (random() - 0.5) * 58
    level = close
    return {
      x: i * WIDTH,
      open,
      close,
      high: Math.min(open, close) - random() * 26,
      low: Math.max(open, close) + random() * 26
    }
  })
}
const candles = makeCandles()

export const Candles = () => (
  <svg
    aria-hidden="true"
    class="entrance-candles"
    viewBox={`0 0 ${COUNT * WIDTH} 760`}
    preserveAspectRatio="xMaxYMid slice"
  >
    <For each={candles}>
      {({ close, high, low, open, x }) => (
        <g class={close <= open ? "fill-up stroke-up" : "fill-down stroke-down"}>
          <path d={`M${x + 9} ${high.toFixed(1)}V${low.toFixed(1)}`} stroke-width="1.5" />
          <rect
            x={x + 3.5}
            y={Math.min(open, close).toFixed(1)}
            width="11"
            height={Math.max(2, Math.abs(open - close)).toFixed(1)}
            rx="1.5"
            stroke="none"
          />
        </g>
      )}
    </For>
  </svg>
)
