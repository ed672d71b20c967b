/** One line of the palette. Nothing in it takes the focus: that stays in the text field, whose keys do the same. */
import { For, Show } from "solid-js"
import { CloseIcon } from "../shell/icons.tsx"
import { LivePrice } from "../shell/LivePrice.tsx"
import { StarMark } from "../watchlist/Star.tsx"
import { watchlist } from "../watchlist/watchlist.ts"
import type { PaletteItem } from "./items.ts"
import type { Part } from "./marks.ts"

const Marked = (props: { readonly parts: ReadonlyArray<Part> }) => (
  <For each={props.parts}>
    {(part) => (
      <Show when={part.marked} fallback={part.text}>
        <mark>{part.text}</mark>
      </Show>
    )}
  </For>
)

export const PaletteOption = (props: {
  readonly item: PaletteItem
  readonly active: boolean
  /** Whether lines of this list have room for a cross. */
  readonly removable: boolean
  readonly onHover: (event: PointerEvent) => void
  readonly onOpen: (newTab: boolean) => void
  readonly onStar: () => void
  readonly onRemove: () => void
}) => (
  <div
    id={props.item.key}
    role="option"
    aria-selected={props.active}
    class="palette-option"
    data-symbol={props.item.symbol}
    onPointerMove={(event) => props.onHover(event)}
    onClick={(event) => props.onOpen(event.ctrlKey || event.metaKey)}
    onAuxClick={(event) => {
      if (event.button === 1) props.onOpen(true)
    }}
  >
    <span class="palette-symbol">
      <Marked parts={props.item.symbolParts} />
    </span>
    <span class="palette-name">
      <span class="flex min-w-0 items-center gap-2">
        <span class="truncate font-medium">
          <Marked parts={props.item.nameParts} />
        </span>
        <Show when={!props.item.listed}>
          <span class="tag">NO LONGER TRADED</span>
        </Show>
      </span>
      <Show when={props.item.also}>
        {(also) => (
          <span class="palette-also truncate text-soft" data-testid="palette-also">
            <Marked parts={also().parts} />
            {also().parts.length > 0 && also().fate !== "" ? " " : ""}
            {also().fate}
          </span>
        )}
      </Show>
      <Show when={props.item.about !== ""}>
        <span class="palette-about truncate text-soft">{props.item.about}</span>
      </Show>
    </span>
    <LivePrice symbol={props.item.symbol} dollars class="palette-price" />
    {/* biome-ignore lint/a11y/noStaticElementInteractions: for the mouse alone; a line's parts have no roles */}
    <span
      class="palette-action"
      classList={{ "text-warn!": watchlist.has(props.item.symbol) }}
      title={watchlist.has(props.item.symbol) ? "Remove from the watch list" : "Add to the watch list"}
      data-testid="palette-star"
      onClick={(event) => {
        event.stopPropagation()
        props.onStar()
      }}
    >
      <StarMark symbol={props.item.symbol} />
      <Show when={watchlist.has(props.item.symbol)}>
        <span class="sr-only">on the watch list</span>
      </Show>
    </span>
    <Show when={props.removable}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
      <span
        class="palette-action"
        classList={{ invisible: !props.item.isRecent }}
        title="Remove from recent"
        data-testid="palette-forget"
        onClick={(event) => {
          event.stopPropagation()
          props.onRemove()
        }}
      >
        <CloseIcon />
      </span>
    </Show>
  </div>
)
