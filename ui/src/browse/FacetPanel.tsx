/** What there is to choose from, with counts: a panel of links beside the list, or on the phone three selects above it. */
import { useNavigate } from "@solidjs/router"
import { createMemo, createSignal, createUniqueId, For, Show } from "solid-js"
import type { Facets, FacetValue } from "../../../src/rpc/client.ts"
import { formatWhole } from "../format/numbers.ts"
import { CloseIcon } from "../shell/icons.tsx"
import { type Browsing, browsePath, type FacetName, facetNames, facetText, orders, withFacet } from "./address.ts"

const titles: Record<FacetName, string> = { sector: "Sector", exchange: "Exchange", industry: "Industry" }
/** There are hundreds of industries: so many at first. */
const SHOWN = 14

const valuesOf = (facets: Facets | undefined, name: FacetName): ReadonlyArray<FacetValue> => {
  if (facets === undefined) return []
  return name === "sector" ? facets.sectors : name === "exchange" ? facets.exchanges : facets.industries
}

interface FacetProps {
  readonly facets: Facets | undefined
  readonly browsing: Browsing
}

/** The chosen value stands in the list also when nothing of it is left. */
const useValues = (props: FacetProps & { readonly name: FacetName }) =>
  createMemo((): ReadonlyArray<FacetValue> => {
    const values = valuesOf(props.facets, props.name)
    const chosen = props.browsing.filter[props.name]
    if (chosen === undefined || props.facets === undefined || values.some(({ value }) => value === chosen))
      return values
    return [{ value: chosen, count: 0 }, ...values]
  })

const Facet = (props: FacetProps & { readonly name: FacetName }) => {
  const heading = createUniqueId()
  const values = useValues(props)
  const [all, setAll] = createSignal(false)
  const chosen = () => props.browsing.filter[props.name]
  const shown = createMemo(() =>
    all() ? values() : values().filter(({ value }, index) => index < SHOWN || value === chosen())
  )
  return (
    <section aria-labelledby={heading} class="mb-5" data-testid={`facet-${props.name}`}>
      <h2 id={heading} class="mb-1 px-2 text-[11px] font-medium tracking-wide text-soft">
        {titles[props.name]}
      </h2>
      <Show when={props.facets} fallback={<div class="skeleton mx-2 h-40" />}>
        <ul>
          <For each={shown()}>
            {({ value, count }) => {
              const isChosen = () => chosen() === value
              return (
                <li>
                  <a
                    href={browsePath({
                      ...props.browsing,
                      filter: withFacet(props.browsing.filter, props.name, isChosen() ? undefined : value)
                    })}
                    class="facet"
                    classList={{ "facet-chosen": isChosen() }}
                    aria-current={isChosen() ? "true" : undefined}
                    title={isChosen() ? `Any ${props.name} again` : facetText(value)}
                  >
                    <span class="truncate" classList={{ italic: value === null }}>
                      {facetText(value)}
                    </span>
                    <Show when={isChosen()} fallback={<span class="text-soft">{formatWhole(count)}</span>}>
                      <CloseIcon />
                    </Show>
                  </a>
                </li>
              )
            }}
          </For>
        </ul>
        <Show when={values().length > SHOWN}>
          <button
            type="button"
            class="facet w-full text-accent!"
            aria-expanded={all()}
            onClick={() => setAll((open) => !open)}
          >
            {all() ? "Show fewer" : `Show all ${formatWhole(values().length)}`}
          </button>
        </Show>
      </Show>
    </section>
  )
}

export const FacetPanel = (props: FacetProps) => (
  <nav
    aria-label="Filter"
    class="hidden w-60 shrink-0 overflow-y-auto border-r border-line bg-bg p-3 pt-4 md:block"
    data-testid="facets"
  >
    <For each={facetNames}>{(name) => <Facet {...props} name={name} />}</For>
  </nav>
)

const ANY = "any"
const NOT_KNOWN = "null"

const FacetSelect = (props: FacetProps & { readonly name: FacetName }) => {
  const navigate = useNavigate()
  const values = useValues(props)
  /** Values are told from the two that are none by a sign before them. */
  const optionOf = (value: string | null | undefined) =>
    value === undefined ? ANY : value === null ? NOT_KNOWN : `=${value}`
  const choose = (option: string) => {
    const value = option === ANY ? undefined : option === NOT_KNOWN ? null : option.slice(1)
    navigate(browsePath({ ...props.browsing, filter: withFacet(props.browsing.filter, props.name, value) }))
  }
  return (
    <label class="block min-w-0">
      <span class="sr-only">{titles[props.name]}</span>
      <select
        class="field h-11 w-full min-w-0 px-2.5 text-[16px]"
        classList={{ "border-accent text-accent": props.browsing.filter[props.name] !== undefined }}
        onChange={(event) => choose(event.currentTarget.value)}
        data-testid={`select-${props.name}`}
      >
        <option value={ANY} selected={props.browsing.filter[props.name] === undefined}>
          {titles[props.name]}: any
        </option>
        <For each={values()}>
          {({ value, count }) => (
            <option value={optionOf(value)} selected={props.browsing.filter[props.name] === value}>
              {value ?? `${titles[props.name]} not known`} ({formatWhole(count)})
            </option>
          )}
        </For>
      </select>
    </label>
  )
}

const OrderSelect = (props: { readonly browsing: Browsing }) => {
  const navigate = useNavigate()
  return (
    <label class="block min-w-0">
      <span class="sr-only">Order</span>
      <select
        class="field h-11 w-full min-w-0 px-2.5 text-[16px]"
        onChange={(event) => {
          const order = orders.find((known) => known === event.currentTarget.value)
          if (order !== undefined) navigate(browsePath({ ...props.browsing, order }))
        }}
      >
        <For each={orders}>
          {(order) => (
            <option value={order} selected={props.browsing.order === order}>
              By {order}
            </option>
          )}
        </For>
      </select>
    </label>
  )
}

export const FacetSelects = (props: FacetProps) => (
  <div class="grid grid-cols-2 gap-2 px-3 pt-3 md:hidden">
    <FacetSelect {...props} name="sector" />
    <FacetSelect {...props} name="exchange" />
    <FacetSelect {...props} name="industry" />
    <OrderSelect browsing={props.browsing} />
  </div>
)
