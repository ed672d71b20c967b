/**
 * What the page shows, by who is signed in: the dashboard, or what leads to it. Nothing of the dashboard is there while nobody is, nor
 * anything of one investor while another is. Comes from: session.ts. Goes to: Dashboard.tsx, Entrance.tsx.
 */
import { type RouteSectionProps, useLocation, useNavigate } from "@solidjs/router"
import { createEffect, createMemo, lazy, Match, on, Suspense, Switch } from "solid-js"
import { theme } from "../shell/theme.ts"
import { useKeys } from "../shell/useKeys.ts"
import { session } from "./current.ts"
import { Shut, Splash, Unreachable } from "./Splash.tsx"
import { entrancePath, FAREWELL, isEntrance, SIGN_IN, wantedOf } from "./wanted.ts"

const Dashboard = lazy(() => import("../Dashboard.tsx"))
const Entrance = lazy(() => import("./Entrance.tsx"))

/** Kept with an entrance's address: whose page is wanted. Nobody else is led there. */
const ownerOf = (state: unknown): string | null =>
  typeof state === "object" && state !== null && "of" in state && typeof state.of === "string" ? state.of : null

export const Gate = (props: RouteSectionProps) => {
  const location = useLocation()
  const navigate = useNavigate()
  const standing = session.standing
  /** Who was signed in last, on this page. null: nobody, or whoever used a server that wanted no sign-in: then anybody goes on there. */
  let last: string | null = null
  let cameIn = false

  // the one key that works on every page
  useKeys((event) => {
    if (event.key !== "t") return
    theme.next()
    event.preventDefault()
  })

  const atEntrance = createMemo(() => isEntrance(location.pathname))
  createEffect(
    on([standing, () => location.pathname, () => location.search], ([now, pathname, search]) => {
      const here = isEntrance(pathname)
      if (now.at === "out") {
        cameIn = true
        if (pathname === FAREWELL && now.reason !== "deleted") navigate(SIGN_IN, { replace: true })
        if (here) return
        const isWanted = now.reason !== "left" && now.reason !== "everywhere"
        const entrance = now.reason === "deleted" ? FAREWELL : SIGN_IN
        const to = isWanted && now.reason !== "deleted" ? pathname + search + location.hash : "/"
        navigate(entrancePath(entrance, to), { replace: true, ...(last === null ? {} : { state: { of: last } }) })
      } else if (now.at === "in") {
        const { id } = now.investor
        const isLocal = now.account.mode === "local"
        if (here && !(isLocal && pathname !== FAREWELL)) {
          const of = ownerOf(location.state)
          navigate(of === null || of === id ? wantedOf(search) : "/", { replace: true })
        } else if (!here && last !== null && last !== id) navigate("/", { replace: true })
        last = isLocal ? null : id
      }
    })
  )

  const out = createMemo(() => {
    const now = standing()
    return now.at === "out" && atEntrance() ? now : undefined
  })
  const unreachable = createMemo(() => {
    const now = standing()
    return now.at === "unreachable" ? now : undefined
  })
  const hasNoEntrance = createMemo(() => {
    const now = standing()
    return now.at === "in" && now.account.mode === "local" && atEntrance() && location.pathname !== FAREWELL
  })
  const visit = createMemo(() => {
    const now = standing()
    return now.at === "in" && !atEntrance() ? now.visit : undefined
  })
  const takesFocus = () => {
    const came = cameIn
    cameIn = false
    return came
  }

  return (
    <Suspense fallback={<Splash />}>
      <Switch fallback={<Splash />}>
        <Match when={unreachable()}>
          {(now) => <Unreachable problem={now().problem} retryAt={now().retryAt} onRetry={() => void session.ask()} />}
        </Match>
        <Match when={standing().at === "shut"}>
          <Shut onRetry={() => void session.ask()} />
        </Match>
        <Match when={out()}>
          {(now) => <Entrance account={now().account} reason={now().reason} pathname={location.pathname} />}
        </Match>
        <Match when={hasNoEntrance()}>
          <Entrance account={null} reason={null} pathname={location.pathname} />
        </Match>
        <Match when={visit()} keyed>
          {(_) => <Dashboard takesFocus={takesFocus()}>{props.children}</Dashboard>}
        </Match>
      </Switch>
    </Suspense>
  )
}
