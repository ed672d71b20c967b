import { Route, Router } from "@solidjs/router"
import { lazy } from "solid-js"
import { render } from "solid-js/web"
import { session } from "./account/current.ts"
import { Gate } from "./account/Gate.tsx"
import { isEntrance } from "./account/wanted.ts"
import { NotFound } from "./pages/NotFound.tsx"
import "./styles.css"

// what is most likely wanted comes while the server is asked who this is
void session.ask()
if (isEntrance(location.pathname)) void import("./account/Entrance.tsx")
else void import("./Dashboard.tsx")

const MarketPage = lazy(async () => ({ default: (await import("./Dashboard.tsx")).MarketPage }))
const BrowsePage = lazy(() => import("./browse/BrowsePage.tsx"))
// the charting library is half of the page's weight and the table does not need it
const SymbolPage = lazy(() => import("./symbol/SymbolPage.tsx"))
const AccountPage = lazy(() => import("./account/AccountPage.tsx"))

const root = document.getElementById("app")
if (root === null) throw new Error("index.html has no #app")

render(
  () => (
    <Router root={Gate}>
      <Route path="/" component={MarketPage} />
      <Route path="/s/:symbol" component={SymbolPage} />
      <Route path="/browse" component={BrowsePage} />
      <Route path="/account" component={AccountPage} />
      <Route path="*" component={NotFound} />
    </Router>
  ),
  root
)
