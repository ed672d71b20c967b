import { Match, Switch } from "solid-js"
import { MoonIcon, SunIcon, SystemIcon } from "./icons.tsx"
import { theme } from "./theme.ts"

export const ThemeButton = () => (
  <button
    type="button"
    class="icon-button"
    aria-label={`Theme: ${theme.choice()}`}
    title={`Theme: ${theme.choice()} (t)`}
    data-testid="theme"
    onClick={() => theme.next()}
  >
    <Switch>
      <Match when={theme.choice() === "system"}>
        <SystemIcon />
      </Match>
      <Match when={theme.choice() === "light"}>
        <SunIcon />
      </Match>
      <Match when={theme.choice() === "dark"}>
        <MoonIcon />
      </Match>
    </Switch>
  </button>
)
