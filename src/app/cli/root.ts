/** The command tree. */
import { Command } from "effect/cli"
import { audit } from "./commands/audit.ts"
import { bars } from "./commands/bars.ts"
import { companies } from "./commands/companies.ts"
import { company } from "./commands/company.ts"
import { dlq } from "./commands/dlq.ts"
import { investors } from "./commands/investors.ts"
import { listings } from "./commands/listings.ts"
import { quote } from "./commands/quote.ts"
import { replay } from "./commands/replay.ts"
import { search } from "./commands/search.ts"
import { status } from "./commands/status.ts"
import { watch } from "./commands/watch.ts"

export const root = Command.make("lzstock").pipe(
  Command.withDescription(
    "Live market data on the command line. Talks to a running LZStock server (npm start); replay works without one, and dlq with NATS alone.\n\n" +
      "Exit codes: 0 well · 1 failure · 2 wrong command line · 3 cannot connect · 4 unknown symbol · 5 no answer or not now, " +
      "try again · 6 the server wants another token (LZSTOCK_TOKEN) · 130 Ctrl-C.\n\n" +
      'Completion: eval "$(lzstock --completions bash)", or zsh, fish, powershell.'
  ),
  Command.withSubcommands([
    watch,
    quote,
    bars,
    search,
    company,
    listings,
    companies,
    investors,
    audit,
    status,
    replay,
    dlq
  ]),
  Command.withExamples([
    { command: "lzstock watch AAPL MSFT", description: "Prices as they move" },
    { command: "lzstock bars SPY --date 2013-10-07 > spy.csv", description: "The minutes of a day" },
    { command: "lzstock listings bank", description: "What can be watched" }
  ])
)
