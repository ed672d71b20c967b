/**
 * A list that comes in pages and is asked for anew as the question changes. One request is under way at a time; the newest
 * question waits behind it and those between are never asked. What is shown stays until its successor is there. Pure.
 */
export interface Page<Item, Cursor> {
  readonly items: ReadonlyArray<Item>
  /** Ask again with this for more; null: these were all. */
  readonly after: Cursor | null
  /** Of all pages together, where it is told. */
  readonly total: number | null
}

export interface Listed<Question, Item> {
  /** What `items` answer; null: nothing was answered yet, or nothing is asked. */
  readonly question: Question | null
  readonly items: ReadonlyArray<Item>
  readonly total: number | null
  readonly hasMore: boolean
  /** What is on its way: the answer to a newer question, or more of this one. */
  readonly awaiting: "answer" | "more" | null
  /** Why what was asked last did not come. */
  readonly error: unknown
}

export interface Pages<Question> {
  /** Asks this from now on; null: nothing, and what was shown goes at once. */
  readonly set: (question: Question | null) => void
  /** The next page of what is shown; nothing happens when there is none or something is on its way. */
  readonly more: () => void
  /** Once more what failed. */
  readonly retry: () => void
  /** No answer is told any more. */
  readonly close: () => void
}

export interface PagesOptions<Question, Item, Cursor> {
  readonly ask: (question: Question, after: Cursor | undefined) => Promise<Page<Item, Cursor>>
  /** An item that is in an earlier page already is left out: the list may have changed between two pages. */
  readonly keyOf: (item: Item) => string
  readonly onChange: (listed: Listed<Question, Item>) => void
}

export const nothingListed = { question: null, items: [], total: null, hasMore: false, awaiting: null, error: null }

export const makePages = <Question, Item, Cursor>(options: PagesOptions<Question, Item, Cursor>): Pages<Question> => {
  let state: Listed<Question, Item> = nothingListed
  let wanted: Question | null = null
  let cursor: Cursor | null = null
  let failed: "answer" | "more" = "answer"
  let underWay = false
  let closed = false

  const become = (next: Partial<Listed<Question, Item>>) => {
    state = { ...state, ...next }
    options.onChange(state)
  }
  const accept = (question: Question, page: Page<Item, Cursor>, isMore: boolean) => {
    const known = new Set(isMore ? state.items.map(options.keyOf) : [])
    const fresh = page.items.filter((item) => {
      const key = options.keyOf(item)
      if (known.has(key)) return false
      known.add(key)
      return true
    })
    cursor = page.after
    become({
      question,
      items: isMore ? [...state.items, ...fresh] : fresh,
      total: page.total,
      hasMore: page.after !== null,
      awaiting: null,
      error: null
    })
  }
  const run = async (): Promise<void> => {
    const question = wanted
    const kind = state.awaiting
    if (underWay || closed || question === null || kind === null) return
    underWay = true
    /** Whether what comes back is still what is waited for. */
    const isWanted = () => !closed && question === wanted && kind === state.awaiting
    try {
      const page = await options.ask(question, kind === "more" && cursor !== null ? cursor : undefined)
      if (isWanted()) accept(question, page, kind === "more")
    } catch (error) {
      if (isWanted()) {
        failed = kind
        become({ awaiting: null, error })
      }
    } finally {
      underWay = false
    }
    return run()
  }

  return {
    set: (question) => {
      if (closed || question === wanted) return
      wanted = question
      if (question === null) {
        cursor = null
        become(nothingListed)
      } else if (question === state.question) {
        // typed and taken back: its answer is on screen
        become({ awaiting: null, error: null })
      } else {
        become({ awaiting: "answer", error: null })
        void run()
      }
    },
    more: () => {
      if (closed || !state.hasMore || state.awaiting !== null || state.error !== null) return
      become({ awaiting: "more" })
      void run()
    },
    retry: () => {
      if (closed || state.error === null || state.awaiting !== null) return
      become({ awaiting: failed, error: null })
      void run()
    },
    close: () => {
      closed = true
    }
  }
}
