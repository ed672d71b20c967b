/**
 * Keeps this node's directory as the symbol master is: reads it whole at the start, page by page, and from then on what has
 * changed. Told of a change (`companies.changed`), or a minute later where that was not heard.
 */
import { Effect, Layer, Queue, Schedule } from "effect"
import type { Company } from "../../rpc/companies.ts"
import { companiesChangedTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { CompanyDirectory } from "./CompanyDirectory.ts"
import { type Position, START, SymbolMaster } from "./SymbolMaster.ts"

const PAGE = 500
const LOOK_AGAIN = "1 minute"
const TRY_AGAIN = "2 seconds"

/** The largest first, then those without a place in the list, by their names. */
const bySize = (a: Company, b: Company): number =>
  (a.rank ?? Number.MAX_SAFE_INTEGER) - (b.rank ?? Number.MAX_SAFE_INTEGER) || (a.name < b.name ? -1 : 1)

/** Done once the directory can be asked: a node that needs it is not ready before. */
export const layerCompanyLoader: Layer.Layer<never, never, Bus | CompanyDirectory | SymbolMaster> = Layer.effectDiscard(
  Effect.gen(function* () {
    const bus = yield* Bus
    const master = yield* SymbolMaster
    const directory = yield* CompanyDirectory
    const companies = new Map<string, Company>()
    let at: Position = START
    /** Read, and not yet in the directory: a page that fails must not make those before it forgotten. */
    let isBehind = true

    /** Up to the end as it is then; versions come in their order, so what is read is what was true at one moment. */
    const load = Effect.gen(function* () {
      for (;;) {
        const page = yield* master.changes(at, PAGE)
        for (const [position, company] of page) {
          companies.set(company.id, company)
          at = position
          isBehind = true
        }
        if (page.length < PAGE) break
      }
      if (!isBehind) return
      const listed = [...companies.values()].filter(({ instruments }) => instruments.length > 0)
      yield* directory.replace(listed.sort(bySize))
      isBehind = false
    })

    const wake = yield* Queue.sliding<void>(1)
    const rouse = () => void Queue.offerUnsafe(wake, undefined)
    yield* bus.subscribe(companiesChangedTopic, rouse)
    yield* bus.onLoss(rouse)
    yield* load
    const next = Queue.take(wake).pipe(
      Effect.timeoutOption(LOOK_AGAIN),
      Effect.andThen(load),
      Effect.catchCause((cause) =>
        Effect.logWarning("The companies could not be read anew, will try again", cause).pipe(
          Effect.andThen(Effect.sleep(TRY_AGAIN)),
          Effect.andThen(Effect.sync(rouse))
        )
      )
    )
    yield* Effect.forkScoped(Effect.repeat(next, Schedule.forever))
  })
)
