/**
 * The palette's inside: an editable combobox with a list (WAI-ARIA Authoring Practices). The focus stays in the text field;
 * `aria-activedescendant` says which line the keys act on.
 */
import { A } from "@solidjs/router"
import { createEffect, For, Match, on, onMount, Show, Switch } from "solid-js"
import { useMarket } from "../market/context.ts"
import { LabelBadge } from "../shell/Badges.tsx"
import { CloseIcon, SearchIcon } from "../shell/icons.tsx"
import { keyNames } from "../shell/keyNames.ts"
import { PaletteOption } from "./PaletteOption.tsx"
import { type PaletteModel, usePalette } from "./usePalette.ts"

const LIST = "palette-list"
/** How many lines PageUp and PageDown go. */
const PAGE = 8

export const PaletteBody = (props: {
  readonly text: string
  readonly onClose: () => void
  /** The page changes: the focus goes there and not back. */
  readonly onLeave: () => void
}) => {
  const model = usePalette({ text: props.text, onLeave: props.onLeave })
  let input!: HTMLInputElement
  let list!: HTMLDivElement

  onMount(() => {
    // at once and not a moment later: the next key is typed into it, and phones bring up their keyboard
    input.focus()
    input.select()
  })
  createEffect(
    on(model.active, (key) => {
      if (key !== null) document.getElementById(key)?.scrollIntoView({ block: "nearest" })
    })
  )
  createEffect(on(model.question, () => list.scrollTo(0, 0)))

  const onKeyDown = (event: KeyboardEvent) => {
    // keys that choose among an input method's words are not ours
    if (event.isComposing) return
    const control = event.ctrlKey || event.metaKey
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        if (event.altKey || control) return
        model.move(event.key === "ArrowDown" ? 1 : -1)
        break
      case "PageDown":
      case "PageUp":
        model.move(event.key === "PageDown" ? PAGE : -PAGE)
        break
      case "Enter":
        if (event.altKey) model.star()
        else model.enter(control)
        break
      case "Delete":
      case "Backspace":
        // as in browsers' address bars; with a text it belongs to the text
        if (!event.shiftKey || model.text() !== "") return
        model.forget()
        break
      case "Escape":
        if (model.text() === "") props.onClose()
        else model.type("")
        break
      default:
        return
    }
    event.preventDefault()
  }

  // a list that scrolls below a resting mouse is no reason to choose what comes to lie there
  let mouse: readonly [number, number] | null = null
  const hover = (event: PointerEvent, key: string) => {
    const moved = mouse !== null && (mouse[0] !== event.screenX || mouse[1] !== event.screenY)
    mouse = [event.screenX, event.screenY]
    if (moved && event.pointerType === "mouse") model.choose(key)
  }

  return (
    <>
      <div class="flex shrink-0 items-center gap-3 border-b border-line pr-2 pl-4 max-md:pl-3">
        <span class="text-soft" classList={{ "palette-busy": model.isAwaiting() }}>
          <SearchIcon />
        </span>
        <input
          ref={input}
          type="text"
          role="combobox"
          class="palette-input"
          placeholder="Company, symbol, or a former one"
          aria-label="Search companies"
          aria-autocomplete="list"
          aria-expanded={!model.isEmpty()}
          aria-controls={LIST}
          aria-activedescendant={model.active() ?? undefined}
          autocomplete="off"
          autocorrect="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="go"
          value={model.text()}
          onInput={(event) => model.type(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          data-testid="palette-input"
        />
        <button type="button" class="icon-button size-11 md:size-8" aria-label="Close" onClick={() => props.onClose()}>
          <CloseIcon />
        </button>
      </div>
      <Caption model={model} onDone={() => input.focus()} />
      <div class="relative min-h-0 flex-1">
        {/* kept while it is empty: the text field names it */}
        <div
          ref={list}
          id={LIST}
          role="listbox"
          aria-label="Companies"
          class="palette-list"
          hidden={model.isEmpty()}
          // the field keeps the focus, and its caret
          onMouseDown={(event) => event.preventDefault()}
          onScroll={(event) => {
            const { clientHeight, scrollHeight, scrollTop } = event.currentTarget
            if (scrollTop + clientHeight > scrollHeight - 160) model.more()
          }}
        >
          <For each={model.groups()}>
            {(group, index) => (
              <div role="group" aria-label={group.heading ?? "Matches"}>
                {/* the first one's stands in the line above */}
                <Show when={index() > 0}>
                  <div aria-hidden="true" class="palette-heading">
                    {group.heading}
                  </div>
                </Show>
                <For each={group.items}>
                  {(item) => (
                    <PaletteOption
                      item={item}
                      active={model.active() === item.key}
                      removable={!model.isSearching()}
                      onHover={(event) => hover(event, item.key)}
                      onOpen={(newTab) => model.open(item.symbol, newTab)}
                      onStar={() => model.star(item)}
                      onRemove={() => model.forget(item)}
                    />
                  )}
                </For>
              </div>
            )}
          </For>
        </div>
        <Show when={model.isEmpty()}>
          <Nothing model={model} />
        </Show>
      </div>
      <footer class="palette-footer">
        <span class="palette-hints">
          <span>
            <kbd class="kbd">↑</kbd> <kbd class="kbd">↓</kbd> choose
          </span>
          <span>
            <kbd class="kbd">Enter</kbd> open
          </span>
          <span>
            <kbd class="kbd">{keyNames.alt}</kbd> <kbd class="kbd">Enter</kbd> watch list
          </span>
          <Show
            when={!model.isSearching() && model.groups()[0]?.heading === "Recent"}
            fallback={
              <span>
                <kbd class="kbd">{keyNames.control}</kbd> <kbd class="kbd">Enter</kbd> new tab
              </span>
            }
          >
            <span>
              <kbd class="kbd">Shift</kbd> <kbd class="kbd">Del</kbd> forget
            </span>
          </Show>
        </span>
        <A
          href="/browse"
          class="ml-auto font-medium whitespace-nowrap text-accent hover:underline max-md:py-3"
          onClick={() => props.onLeave()}
        >
          Browse all companies
        </A>
      </footer>
      <p role="status" aria-live="polite" class="sr-only" data-testid="palette-status">
        {model.announcement()}
      </p>
    </>
  )
}

/** The line between text and list: what the list is, or why it is not; always of one height. */
const Caption = (props: {
  readonly model: PaletteModel
  /** A button of it was pressed, which goes with that: the focus belongs to the text again. */
  readonly onDone: () => void
}) => {
  const market = useMarket()
  const heading = () => props.model.groups()[0]?.heading ?? null
  const asks = () => props.model.isAwaiting() || props.model.error() !== null
  return (
    <div class="palette-caption">
      <Switch fallback={<span />}>
        <Match when={asks() && market.connection().status !== "open"}>
          <span class="font-medium text-warn" data-testid="palette-trouble">
            No connection. The results come when it is back
          </span>
        </Match>
        <Match when={props.model.error()}>
          {(error) => (
            <span class="truncate font-medium text-warn" data-testid="palette-trouble">
              The search was not answered: {error()}{" "}
              <button
                type="button"
                class="underline"
                onClick={() => {
                  props.model.retry()
                  props.onDone()
                }}
              >
                Try again
              </button>
            </span>
          )}
        </Match>
        <Match when={heading()}>
          {(text) => <span classList={{ "font-semibold text-ink": props.model.isSearching() }}>{text()}</span>}
        </Match>
        <Match when={props.model.isSearching() && !props.model.isEmpty()}>
          <span>Companies</span>
        </Match>
      </Switch>
      <Show when={heading() === "Recent"}>
        <button
          type="button"
          class="rounded px-1 hover:text-ink hover:underline max-md:py-2"
          onClick={() => {
            props.model.forgetAll()
            props.onDone()
          }}
        >
          Clear
        </button>
      </Show>
      <span class="ml-auto">
        <LabelBadge label={market.label()} small />
      </span>
    </div>
  )
}

const Nothing = (props: { readonly model: PaletteModel }) => (
  <div class="absolute inset-0 grid place-items-center overflow-hidden p-6 text-center">
    <div class="max-w-sm">
      <Show
        when={props.model.isSearching()}
        fallback={
          <>
            <p class="text-[14px] font-semibold">Every listed company, a few keys away</p>
            <p class="mt-1.5 text-soft">
              By symbol, by any word of a name, or by what it was once called: <b class="font-medium">brk/b</b>,{" "}
              <b class="font-medium">depot</b>, <b class="font-medium">facebook</b>. Typos are forgiven.
            </p>
          </>
        }
      >
        <p class="text-[14px] font-semibold break-words" data-testid="palette-nothing">
          No company matches “{shortened(props.model.question() ?? "")}”
        </p>
        <p class="mt-1.5 text-soft">Try fewer letters, another word of the name, or its symbol.</p>
      </Show>
    </div>
  </div>
)

const shortened = (text: string): string => (text.length <= 40 ? text : `${[...text].slice(0, 40).join("")}…`)
