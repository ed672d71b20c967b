/** /account: who this is, what is signed in, what happened, and the investor's data. */
import { useLocation } from "@solidjs/router"
import { createSignal, For, onMount, Show } from "solid-js"
import { isLocal } from "./current.ts"
import { Activity } from "./page/Activity.tsx"
import { Browsers } from "./page/Browsers.tsx"
import "./page/account.css"
import { Password } from "./page/Password.tsx"
import { LocalNote, Profile } from "./page/Profile.tsx"
import { focusHeading } from "./page/parts.tsx"
import { Tokens } from "./page/Tokens.tsx"
import { YourData } from "./page/YourData.tsx"

const sections = [
  ["profile", "Profile"],
  ["password", "Password"],
  ["browsers", "Signed-in browsers"],
  ["tokens", "API tokens"],
  ["activity", "Recent activity"],
  ["data", "Your data"]
] as const
const localSections: ReadonlyArray<string> = ["profile", "tokens", "activity", "data"]

const AccountPage = () => {
  const location = useLocation()
  let page!: HTMLDivElement
  const [current, setCurrent] = createSignal<string>("profile")
  /** The last section that has begun; at the very end the last of all. */
  const findCurrent = () => {
    const atEnd = page.scrollTop + page.clientHeight >= page.scrollHeight - 4 && page.scrollTop > 0
    const begun = shown().filter(([id]) => (document.getElementById(id)?.getBoundingClientRect().top ?? 0) < 160)
    setCurrent((atEnd ? shown() : begun).at(-1)?.[0] ?? "profile")
  }
  let reloadActivity = () => {}
  const onChange = () => reloadActivity()
  onMount(() => {
    document.title = "Account · LZStock"
    const wanted = location.hash.slice(1)
    if (sections.some(([id]) => id === wanted)) document.getElementById(wanted)?.scrollIntoView()
  })
  const shown = () => sections.filter(([id]) => !isLocal() || localSections.includes(id))
  return (
    <div ref={page} class="account-page" onScroll={findCurrent}>
      <nav aria-label="Account" class="account-nav">
        <For each={shown()}>
          {([id, name]) => (
            <a
              href={`/account#${id}`}
              class="page-link"
              classList={{ "page-link-here": current() === id }}
              aria-current={current() === id ? "true" : undefined}
              onClick={() => queueMicrotask(() => focusHeading(id))}
            >
              {name}
            </a>
          )}
        </For>
      </nav>
      <div class="account-column">
        <h1 class="text-[22px] leading-7 font-semibold tracking-tight">Account</h1>
        <Show
          when={!isLocal()}
          fallback={
            <>
              <LocalNote />
              <Tokens onChange={onChange} />
            </>
          }
        >
          <Profile />
          <Password />
          <Browsers onChange={onChange} />
          <Tokens onChange={onChange} />
        </Show>
        <Activity
          ref={(reload) => {
            reloadActivity = reload
          }}
        />
        <YourData onChange={onChange} />
      </div>
    </div>
  )
}
export default AccountPage
