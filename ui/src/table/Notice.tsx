import { Index } from "solid-js"

/** Why there is nothing to see, and what to do about it. */
export const Notice = (props: {
  readonly title: string
  readonly text: string
  readonly action: string
  readonly onAction: () => void
}) => (
  <div class="grid flex-1 place-items-center p-6 text-center">
    <div class="max-w-md">
      <h2 class="text-base font-semibold">{props.title}</h2>
      <p class="mt-1 text-soft">{props.text}</p>
      <button
        type="button"
        class="mt-4 rounded-md bg-accent-wash px-4 py-2 font-semibold text-accent"
        onClick={() => props.onAction()}
      >
        {props.action}
      </button>
    </div>
  </div>
)

/** The table's own geometry, so that nothing moves when the rows come. */
export const TableSkeleton = () => (
  <div
    class="table-grid flex-1 overflow-hidden bg-panel"
    role="status"
    aria-busy="true"
    aria-label="Loading the market"
  >
    <div class="h-[31px] border-b border-strong" />
    <Index each={Array.from({ length: 24 })}>
      {() => (
        <div class="flex h-[58px] items-center gap-4 border-b border-line px-4 md:h-9">
          <div class="skeleton h-3.5 w-14" />
          <div class="skeleton h-3.5 w-40" />
          <div class="ml-auto skeleton h-3.5 w-24" />
          <div class="skeleton hidden h-3.5 w-16 md:block" />
          <div class="skeleton hidden h-3.5 w-40 md:block" />
        </div>
      )}
    </Index>
  </div>
)
