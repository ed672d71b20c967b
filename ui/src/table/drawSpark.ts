/** A sparkline on a canvas: one path, its previous close dotted, no axis. */

export interface SparkColors {
  readonly up: string
  readonly down: string
  readonly soft: string
}

/** Asking the browser for an element's size may make it lay the page out: once per canvas until the window changes. */
let sizes = new WeakMap<HTMLCanvasElement, { readonly width: number; readonly height: number }>()
addEventListener("resize", () => {
  sizes = new WeakMap()
})
const sizeOf = (canvas: HTMLCanvasElement) => {
  const known = sizes.get(canvas)
  if (known !== undefined) return known
  const size = { width: canvas.clientWidth, height: canvas.clientHeight }
  // not laid out yet, or not shown at this width
  if (size.width > 0 && size.height > 0) sizes.set(canvas, size)
  return size
}

export const drawSpark = (
  canvas: HTMLCanvasElement,
  points: ReadonlyArray<number>,
  previousClose: number | null,
  colors: SparkColors
): void => {
  const ratio = Math.min(2, devicePixelRatio || 1)
  const { width, height } = sizeOf(canvas)
  if (width === 0 || height === 0) return
  const across = Math.round(width * ratio)
  const down = Math.round(height * ratio)
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across
    canvas.height = down
  }
  const context = canvas.getContext("2d")
  if (context === null) return
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  const last = points.at(-1)
  if (points.length < 2 || last === undefined) return

  let low = previousClose ?? last
  let high = low
  for (const point of points) {
    if (point < low) low = point
    if (point > high) high = point
  }
  const span = high - low || 1
  const y = (price: number) => 2 + (1 - (price - low) / span) * (height - 4)
  const step = (width - 3) / (points.length - 1)

  if (previousClose !== null) {
    context.strokeStyle = colors.soft
    context.globalAlpha = 0.45
    context.lineWidth = 1
    context.setLineDash([1, 3])
    context.beginPath()
    context.moveTo(0, Math.round(y(previousClose)) + 0.5)
    context.lineTo(width, Math.round(y(previousClose)) + 0.5)
    context.stroke()
    context.setLineDash([])
    context.globalAlpha = 1
  }
  const color = last >= (previousClose ?? points[0] ?? last) ? colors.up : colors.down
  context.strokeStyle = color
  context.lineWidth = 1.25
  context.lineJoin = "round"
  context.beginPath()
  for (let i = 0; i < points.length; i++) context.lineTo(i * step, y(points[i] ?? last))
  context.stroke()
  context.lineTo((points.length - 1) * step, height)
  context.lineTo(0, height)
  context.closePath()
  context.globalAlpha = 0.1
  context.fillStyle = color
  context.fill()
  context.globalAlpha = 1
  context.beginPath()
  context.arc((points.length - 1) * step, y(last), 1.6, 0, 7)
  context.fill()
}
