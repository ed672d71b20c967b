import { Route, Router } from "@solidjs/router"
import { lazy } from "solid-js"
import { render } from "solid-js/web"
import { MarketContext } from "./market/context.ts"
import { createMarket } from "./market/market.ts"
import { NotFound } from "./pages/NotFound.tsx"
import { Shell } from "./shell/Shell.tsx"
import { MarketPage } from "./table/MarketPage.tsx"
import "./styles.css"

const BrowsePage = lazy(() => import("./browse/BrowsePage.tsx"))
// the charting library is half of the page's weight and the table does not need it
const SymbolPage = lazy(() => import("./symbol/SymbolPage.tsx"))

const root = document.getElementById("app")
if (root === null) throw new Error("index.html has no #app")

render(() => {
  const market = createMarket()
  return (
    <MarketContext.Provider value={market}>
      <Router root={Shell}>
        <Route path="/" component={MarketPage} />
        <Route path="/s/:symbol" component={SymbolPage} />
        <Route path="/browse" component={BrowsePage} />
        <Route path="*" component={NotFound} />
      </Router>
    </MarketContext.Provider>
  )
}, root)
