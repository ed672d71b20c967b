/** Everything that needs the market: its one connection, and the frame around the pages. A new visit is a new one of these. */
import { createEffect, onCleanup, onMount, type ParentProps } from "solid-js"
import { NotSignedIn } from "../../src/rpc/client.ts"
import { endingOf } from "../../src/rpc/endings.ts"
import { isLocal, session } from "./account/current.ts"
import { MarketContext } from "./market/context.ts"
import { createMarket } from "./market/market.ts"
import { Shell } from "./shell/Shell.tsx"

export { MarketPage } from "./table/MarketPage.tsx"

export const Dashboard = (
  props: ParentProps<{
    /** Whether it is given the focus: what had it, the form of the sign-in page, is gone. */
    readonly takesFocus: boolean
  }>
) => {
  const market = createMarket()
  /** Made anew, a connection may be another's: the cookie is shared with other tabs, and the server may be another one. */
  const checkOwner = async () => {
    // not over the connection: of a server that wants a sign-in now it is a stranger's, which may ask little before it is closed
    if (isLocal()) return session.ask("wanted")
    try {
      const me = await market.client.account.me()
      session.connectedAs(me.investor.id)
    } catch (error) {
      // what else fails says nothing of whose it is
      if (error instanceof NotSignedIn) session.ended()
    }
  }
  let opened = false
  createEffect(() => {
    const now = market.connection()
    if (now.status === "signed-out") session.ended(endingOf(now.reason))
    else if (now.status === "open" && opened) void checkOwner()
    opened ||= now.status === "open"
  })
  onMount(() => {
    if (props.takesFocus) document.getElementById("main")?.focus({ preventScroll: true })
  })
  onCleanup(() => {
    document.title = "LZStock"
  })
  return (
    <MarketContext.Provider value={market}>
      <Shell>{props.children}</Shell>
    </MarketContext.Provider>
  )
}
export default Dashboard
