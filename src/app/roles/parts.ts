/** The groups of layers that roles are made of; each role says which it takes, and on which adapters they stand. */
import { BlockList } from "node:net"
import { hostname } from "node:os"
import { Effect, Layer } from "effect"
import { RpcServer } from "effect/rpc"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../actors/kernel/Latency.ts"
import { Feed } from "../../actors/market/Feed.ts"
import type { Admission } from "../../actors/sessions/comingBack.ts"
import { LastPrices } from "../../actors/sessions/LastPrices.ts"
import { QuoteHub } from "../../actors/sessions/QuoteHub.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { SymbolDirectory, Tickers } from "../../actors/sessions/Tickers.ts"
import { Watching } from "../../actors/sessions/Watching.ts"
import { PublicRpcs } from "../../rpc/public.ts"
import { type Settings, signInMode } from "../Config.ts"
import { layerCompanies } from "../companies/index.ts"
import { feedLayer } from "../feeds/index.ts"
import { accountRoutes } from "../gateway/AccountRoutes.ts"
import { layerAuthorised, layerOperatorOnly } from "../gateway/Authorisation.ts"
import { isLoopback, parseProxies, peerAddress } from "../gateway/address.ts"
import { layerCompanyHandlers } from "../gateway/CompanyHandlers.ts"
import { HttpListener } from "../gateway/HttpListener.ts"
import { layerHttp } from "../gateway/http.ts"
import { layerIdentityHandlers, layerInvestorHandlers } from "../gateway/InvestorHandlers.ts"
import { layerMarketHandlers } from "../gateway/MarketHandlers.ts"
import { layerPresence } from "../gateway/Presence.ts"
import { Readiness } from "../gateway/Readiness.ts"
import { layerProtocol } from "../gateway/WebSocketGateway.ts"
import { ProcessMetrics } from "../observability/ProcessMetrics.ts"
import { uiFolder, version } from "../version.ts"
import { idleMillis, layerIdentity } from "./identity.ts"

/** Name of this process among its peers; a process that is started again is another one. */
export const nodeName = (settings: Settings): string => settings.node ?? `${hostname()}-${process.pid}`

/** What every role stands on. */
export const layerGround = Layer.mergeAll(Gauges.layer, DeliveryLatency.layer, ProcessMetrics.layer, Readiness.layer)

/** Connections besides sessions: pages, scrapers, whoever is about to be refused. */
const SPARE_CONNECTIONS = 1_000
const SPARE_OF_ADDRESS = 100

export const layerListener = (settings: Settings) => {
  // Config has seen to it that they can be parsed
  const proxies = parseProxies(settings.trustedProxies) ?? new BlockList()
  const isLocal = signInMode(settings) === "local"
  return HttpListener.layer({
    host: settings.host,
    port: settings.port,
    connections: {
      total: settings.maxSessions + SPARE_CONNECTIONS,
      perAddress: settings.maxAddressSessions + SPARE_OF_ADDRESS,
      countedAs: (peer) => {
        const address = peerAddress(peer, proxies)
        // where nobody signs in, nothing is counted of whoever uses this machine
        return isLocal && address !== undefined && isLoopback(address) ? undefined : address
      }
    }
  })
}

/** The feed that the settings name, run in this process. */
export const layerFeed = (settings: Settings) => {
  const { symbols } = settings
  const all = typeof symbols === "object" && symbols.length === 0
  return feedLayer({ ...settings, symbols: all ? undefined : symbols })
}

/** The symbols a session may watch are those the feed can tell about. */
const layerDirectory = Layer.effect(
  SymbolDirectory,
  Effect.map(Feed, ({ label, listings }) => {
    const symbols = new Set(listings.map(({ symbol }) => symbol))
    return SymbolDirectory.of({ has: (symbol) => symbols.has(symbol), label })
  })
)

/** Session actors and what they watch. */
export const layerSessions = (settings: Settings) =>
  Watching.layer({
    symbolsPerSession: settings.maxSymbols,
    watchesPerSession: settings.maxWatches
  }).pipe(
    Layer.provideMerge(QuoteHub.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        SessionActors.layer({
          maxSessions: settings.maxSessions,
          sessionsPerInvestor: settings.maxInvestorSessions,
          sessionsPerAddress: settings.maxAddressSessions,
          strangers: settings.maxStrangers,
          policy: {
            requestsPerSecond: settings.maxMessages,
            requestBurst: 4 * settings.maxMessages,
            identifyMillis: settings.identifySeconds * 1_000
          }
        }),
        Tickers.layer,
        layerDirectory
      )
    )
  )

/** How fast newcomers are let in here, and at the other gateways, which are set as this one is. */
export const admissionOf = ({ maxAddressUpgrades, maxUpgrades }: Settings): Admission => ({
  perSecond: maxUpgrades,
  perSecondAndAddress: maxAddressUpgrades
})

/** The dashboard, the accounts, the RPC WebSocket and what operators ask, on the listener. */
export const layerGateway = (settings: Settings) => {
  const admission = admissionOf(settings)
  return Layer.mergeAll(
    RpcServer.layer(PublicRpcs, { disableTracing: true, disableFatalDefects: true }).pipe(
      Layer.provide(
        Layer.mergeAll(
          layerMarketHandlers({ version, node: nodeName(settings) }),
          Layer.provide(layerCompanyHandlers, Layer.mergeAll(layerCompanies, LastPrices.layer)),
          layerIdentityHandlers,
          layerInvestorHandlers,
          layerAuthorised,
          layerOperatorOnly
        )
      ),
      Layer.provide(
        layerProtocol({
          allowedOrigins: settings.allowedOrigins,
          maxMessageBytes: settings.maxMessageBytes,
          upgrades: admission
        })
      )
    ),
    layerHttp({
      uiFolder,
      routes: accountRoutes({
        allowedOrigins: settings.allowedOrigins,
        signUp: settings.signUp,
        minPasswordLength: settings.minPassword,
        rate: admission
      })
    }),
    layerPresence({ idleMillis: idleMillis(settings) })
  ).pipe(Layer.provide(layerIdentity(settings)))
}

/** What operators ask, alone: roles without sessions. */
export const layerOperations = layerHttp({})
