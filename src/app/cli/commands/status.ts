/** `lzstock status`: the server, its feed and the market's session. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import type { MarketStatus } from "../../../rpc/market.ts"
import { fromServer } from "../failure.ts"
import { type ConnectionFlags, connection, json, openClient } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeJson } from "../Out.ts"
import { paint } from "../paint.ts"

const speed = (feed: MarketStatus["feed"]): string =>
  feed.speed === 0 ? "as fast as possible" : feed.speed === 1 ? "real time" : `${feed.speed}×`

const lines = (status: MarketStatus, colours: boolean): ReadonlyArray<readonly [name: string, value: string]> => {
  const { counts, feed, limits, server, session } = status
  const why = session.holiday === null ? (session.earlyClose ? ", early close" : "") : `, ${session.holiday}`
  const well = server.state === "ready" ? undefined : "warn"
  const fed = feed.state === "live" ? undefined : "warn"
  return [
    [
      "server",
      `${paint(colours, well, server.state)}, LZStock ${server.version} on ${server.node}, up ${format.duration(server.now - server.startedAt)}`
    ],
    [
      "feed",
      `${paint(colours, "bold", feed.label)} ${paint(colours, fed, feed.state)}, ${feed.adapter}${feed.detail === "" ? "" : ` (${feed.detail})`}, ${speed(feed)}`
    ],
    [
      "ticks",
      `${format.count(feed.ticks)} of ${format.count(feed.symbols)} symbols${feed.malformed === 0 ? "" : `, ${format.count(feed.malformed)} malformed`}`
    ],
    ["market", `${format.newYorkDateTime(feed.marketTime)} New York, ${format.phaseText[session.phase]}${why}`],
    ["next", `${format.phaseText[session.nextPhase]} at ${format.newYorkDateTime(session.nextChange)}`],
    [
      "open",
      `${format.count(counts.sessions)} sessions, ${format.count(counts.subscriptions)} subscriptions, ${format.count(counts.watchedSymbols)} symbols watched, ${format.count(counts.tickerActors)} ticker actors`
    ],
    ["limits", `${format.count(limits.symbolsPerSession)} symbols and ${limits.watchesPerSession} watches a session`]
  ]
}

const run = Effect.fn("cli.status")(function* (input: { readonly json: boolean } & ConnectionFlags) {
  const out = yield* Out
  const client = yield* openClient(input)
  const status = yield* Effect.mapError(client.status, fromServer(input.url))
  if (input.json) return yield* writeJson(status)
  yield* out.write(
    lines(status, out.colours)
      .map(([name, value]) => `${paint(out.colours, "dim", name.padEnd(8))}${value}\n`)
      .join("")
  )
})

export const status = Command.make("status", { json, ...connection }, (input) => Effect.scoped(run(input))).pipe(
  Command.withDescription("Show the server, its feed and the market's session"),
  Command.withExamples([
    { command: "lzstock status", description: "A few lines to read" },
    { command: "lzstock status --json | jq -r .feed.state", description: "live, starting, ended or down" }
  ])
)
