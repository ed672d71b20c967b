/** What the table shows: its filter, the sector, the watch list. */
import { createEffect, Show } from "solid-js"
import { formatWhole } from "../format/numbers.ts"
import { Choice } from "../shell/Choice.tsx"
import { SearchIcon, StarFilledIcon, StarIcon } from "../shell/icons.tsx"
import { ui } from "../shell/ui.ts"
import { watchlist } from "../watchlist/watchlist.ts"

const ALL = "All sectors"

export const Toolbar = (props: {
  readonly sectors: ReadonlyArray<string>
  readonly shown: number
  readonly total: number
  /** Of the watch list, those that the feed does not list. */
  readonly unlisted: ReadonlyArray<string>
}) => {
  let input!: HTMLInputElement
  createEffect(() => {
    if (!ui.filterWanted()) return
    ui.filterServed()
    input.focus()
    input.select()
  })
  return (
    <div class="flex shrink-0 items-center gap-2 border-b border-line bg-bg px-3 py-2 md:gap-3 md:px-4">
      <div class="relative w-full max-w-xs">
        <span class="pointer-events-none absolute top-2 left-2.5 text-soft">
          <SearchIcon />
        </span>
        <input
          ref={input}
          type="search"
          class="field w-full pr-2 pl-8 md:pr-20"
          placeholder="Filter this table"
          aria-label="Filter by symbol, company or sector"
          autocomplete="off"
          spellcheck={false}
          value={ui.filter()}
          onInput={(event) => ui.setFilter(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") ui.setFilter("")
            if (event.key === "Escape" || event.key === "Enter" || event.key === "ArrowDown") {
              event.preventDefault()
              document.querySelector<HTMLElement>('[data-testid="market-table"]')?.focus()
            }
          }}
        />
        <span class="pointer-events-none absolute top-[7px] right-2 hidden gap-1 md:flex">
          <kbd class="kbd">Shift</kbd>
          <kbd class="kbd">F</kbd>
        </span>
      </div>
      <Choice
        label="Sector"
        options={[ALL, ...props.sectors]}
        value={ui.sector() === "" ? ALL : ui.sector()}
        onChoose={(value) => ui.setSector(value === ALL ? "" : value)}
        testId="sector"
        class="max-w-48 gap-2 px-3"
      />
      <button
        type="button"
        class="icon-button h-8 shrink-0 border-strong px-2.5"
        aria-pressed={ui.watchedOnly()}
        title={ui.watchedOnly() ? "Show all symbols" : "Show the watch list only"}
        data-testid="watched-only"
        onClick={() => ui.setWatchedOnly((only) => !only)}
      >
        <Show when={ui.watchedOnly()} fallback={<StarIcon />}>
          <StarFilledIcon />
        </Show>
        <span class="max-sm:sr-only">Watch list</span>
        <span class="min-w-[1ch]">{watchlist.symbols().length}</span>
      </button>
      <Show when={ui.watchedOnly() && props.unlisted.length > 0}>
        <button
          type="button"
          class="hidden rounded text-soft underline hover:text-ink lg:inline"
          title={props.unlisted.join(", ")}
          onClick={() => ui.openPalette()}
        >
          {formatWhole(props.unlisted.length)} more without a price here
        </button>
      </Show>
      <span class="ml-auto hidden whitespace-nowrap text-soft sm:inline" data-testid="row-count">
        <Show when={props.shown !== props.total} fallback={`${formatWhole(props.total)} symbols`}>
          {formatWhole(props.shown)} of {formatWhole(props.total)} symbols
        </Show>
      </span>
    </div>
  )
}
