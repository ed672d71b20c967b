/** How long a watcher hears nothing of each symbol, and when another owner's first word comes. */
import type { ClusterWatcher, Heard } from "../../test/support/clusterWatcher.ts"

export interface Silence {
  readonly symbol: string
  /** ms; the longest time between two words, or until now: the last one may have been before the signal. */
  readonly longest: number
  /** ms from the signal to the first word of a newer epoch; undefined: there was none. */
  readonly successor: number | undefined
  readonly heardAt: number
}

interface Watched {
  epoch: number
  at: number
  longest: number
  successor: number | undefined
}

export class Silences {
  private readonly watcher: ClusterWatcher
  private readonly since: number
  private readonly symbols: ReadonlyMap<string, Watched>
  private ended = false

  /** From now on: the moment of the signal. Every symbol has been heard before. */
  constructor(watcher: ClusterWatcher, symbols: ReadonlyArray<string>) {
    this.watcher = watcher
    this.since = performance.now()
    this.symbols = new Map(
      symbols.map((symbol) => {
        const { at, epoch } = this.newest(symbol)
        return [symbol, { epoch, at, longest: 0, successor: undefined }]
      })
    )
    void watcher.until(() => {
      this.look()
      return this.ended
    })
  }

  /** The symbols of which nothing was heard after so many ms. */
  silentSince(millis: number): ReadonlyArray<string> {
    return Array.from(this.symbols)
      .filter(([, { at }]) => at < this.since + millis)
      .map(([symbol]) => symbol)
  }

  end(): ReadonlyArray<Silence> {
    this.ended = true
    const now = performance.now()
    return Array.from(this.symbols, ([symbol, { at, longest, successor }]) => ({
      symbol,
      longest: Math.max(longest, now - at),
      successor,
      heardAt: at
    }))
  }

  private newest(symbol: string): Heard {
    const heard = this.watcher.newest.get(symbol)
    if (heard === undefined) throw new Error(`${symbol} was never heard of`)
    return heard
  }

  private look(): void {
    for (const [symbol, watched] of this.symbols) {
      const { at, epoch } = this.newest(symbol)
      if (at === watched.at) continue
      watched.longest = Math.max(watched.longest, at - watched.at)
      watched.at = at
      if (epoch > watched.epoch) watched.successor ??= at - this.since
    }
  }
}
