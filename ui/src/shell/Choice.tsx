/** A drop-down of a few words; the one look for all of them. */
import { Select } from "@kobalte/core/select"
import { CheckIcon, ChevronIcon } from "./icons.tsx"

export interface ChoiceProps<A extends string> {
  /** Read out as what is being chosen. */
  readonly label: string
  readonly options: ReadonlyArray<A>
  readonly value: A
  readonly onChoose: (value: A) => void
  /** In the list; the option itself when not given. */
  readonly nameOf?: (value: A) => string
  readonly testId: string
  /** Of the button. */
  readonly class?: string
}

export const Choice = <A extends string>(props: ChoiceProps<A>) => (
  <Select<A>
    options={[...props.options]}
    value={props.value}
    onChange={(value) => {
      // Kobalte tells null when the chosen one is chosen again
      if (value !== null) props.onChoose(value)
    }}
    gutter={4}
    itemComponent={(item) => (
      <Select.Item item={item.item} class="menu-item">
        <Select.ItemLabel>{props.nameOf?.(item.item.rawValue) ?? item.item.rawValue}</Select.ItemLabel>
        <Select.ItemIndicator>
          <CheckIcon />
        </Select.ItemIndicator>
      </Select.Item>
    )}
  >
    <Select.Trigger
      class={`field flex items-center whitespace-nowrap ${props.class ?? ""}`}
      aria-label={props.label}
      data-testid={props.testId}
    >
      <Select.Value<A> class="truncate">{(state) => state.selectedOption()}</Select.Value>
      <Select.Icon class="text-soft">
        <ChevronIcon />
      </Select.Icon>
    </Select.Trigger>
    <Select.Portal>
      <Select.Content class="menu">
        <Select.Listbox />
      </Select.Content>
    </Select.Portal>
  </Select>
)
