import { createEffect, Show } from "solid-js"
import { formatWhole } from "../format/numbers.ts"
import { Choice } from "../shell/Choice.tsx"
import { SearchIcon } from "../shell/icons.tsx"
import { ui } from "../shell/ui.ts"

const ALL = "All sectors"

export const Toolbar = (props: {
  readonly sectors: ReadonlyArray<string>
  readonly shown: number
  readonly total: number
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
          class="field w-full pr-8 pl-8"
          placeholder="Symbol or company"
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
        <kbd class="kbd pointer-events-none absolute top-[7px] right-2 hidden md:block">/</kbd>
      </div>
      <Choice
        label="Sector"
        options={[ALL, ...props.sectors]}
        value={ui.sector() === "" ? ALL : ui.sector()}
        onChoose={(value) => ui.setSector(value === ALL ? "" : value)}
        testId="sector"
        class="max-w-48 gap-2 px-3"
      />
      <span class="ml-auto hidden whitespace-nowrap text-soft sm:inline" data-testid="row-count">
        <Show when={props.shown !== props.total} fallback={`${formatWhole(props.total)} symbols`}>
          {formatWhole(props.shown)} of {formatWhole(props.total)} symbols
        </Show>
      </span>
    </div>
  )
}
