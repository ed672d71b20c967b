/**
 * This process's one connection to NATS: the bus, the tick stream and the cluster's messages all go through it. It is dialled
 * again for ever once it has been open; what was on its way when it broke is lost, so that whoever must know listens here.
 */
import { type ConnectionOptions, connect, errors, type Msg, type NatsConnection } from "@nats-io/transport-node"
import { Context, Duration, Effect, Layer, Redacted, Schedule, Schema, type Scope } from "effect"
import { Gauges } from "../../actors/kernel/Gauges.ts"

/** The first connection could not be made. `servers` holds no user, password or token. */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  servers: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `NATS at ${this.servers} cannot be reached (${this.reason}). Start nats-server, or set LZSTOCK_NATS_URL to one that runs.`
  }
}

export interface NatsOptions {
  /** One URL, or several of one NATS cluster with commas: `nats://user:password@host:4222`, `nats://token@host`, `tls://host`. */
  readonly url: Redacted.Redacted<string>
  /** What NATS's monitoring calls this connection. */
  readonly name: string
  /** How long the first connection is tried for; 5 seconds if absent. */
  readonly connectTimeout?: Duration.Input | undefined
}

/** A silent server is noticed after (PINGS_OUT + 1) × PING_MILLIS. */
const PING_MILLIS = 2000
const PINGS_OUT = 2
const RECONNECT_MILLIS = 250
const CLOSE_TIMEOUT = "2 seconds"

export class Nats extends Context.Service<
  Nats,
  {
    /** For JetStream, publishing and requests. Subscribe through `subscribe`. */
    readonly connection: NatsConnection
    /** False from the moment the connection is known to be broken until it is back. */
    readonly connected: () => boolean
    /** Called when the connection breaks: messages on their way may be lost. */
    readonly onDisconnect: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
    /** Called when it is back; subscriptions have been made again by then. */
    readonly onReconnect: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
    /** Calls `handler` for each message until the Scope closes. What it throws is counted and logged, and ends nothing. */
    readonly subscribe: (
      subject: string,
      handler: (message: Msg) => void,
      options?: { readonly queue?: string }
    ) => Effect.Effect<void, never, Scope.Scope>
    /** The same without a Scope, for what opens and closes outside an Effect: returns its close. */
    readonly listen: (
      subject: string,
      handler: (message: Msg) => void,
      options?: { readonly queue?: string }
    ) => () => void
    /** `onDisconnect` without a Scope: returns its removal. */
    readonly watchDisconnect: (listener: () => void) => () => void
  }
>()("lzstock/app/nats/Nats") {
  static readonly layer = (options: NatsOptions): Layer.Layer<Nats, NatsUnavailable, Gauges> =>
    Layer.effect(Nats, make(options))
}

/** Servers and credentials of a NATS URL; the client reads no user from it by itself. */
export const parseUrl = (
  url: string
): {
  readonly shown: string
  readonly options: Pick<ConnectionOptions, "servers" | "user" | "pass" | "token" | "tls">
} => {
  const servers = url
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "")
    .map((each) => new URL(each.includes("://") ? each : `nats://${each}`))
  const first = servers[0]
  const hosts = servers.map((each) => each.host)
  const shown = servers.map((each) => `${each.protocol}//${each.host}`).join(",")
  if (first === undefined) return { shown, options: { servers: [] } }
  const user = decodeURIComponent(first.username)
  const pass = decodeURIComponent(first.password)
  return {
    shown,
    options: {
      servers: hosts,
      ...(user === "" ? {} : pass === "" ? { token: user } : { user, pass }),
      ...(first.protocol === "tls:" ? { tls: {} } : {})
    }
  }
}

/** An attempt that is given up closes what it may still open. */
const attempt = (options: ConnectionOptions) =>
  Effect.tryPromise({
    try: (signal) => {
      const opening = connect(options)
      opening.then(
        (connection) => (signal.aborted ? connection.close() : undefined),
        () => undefined
      )
      return opening
    },
    catch: (cause) => cause
  })

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message.toLowerCase() : String(cause))

const open = Effect.fnUntraced(function* (options: NatsOptions) {
  const invalid = new NatsUnavailable({ servers: "the configured URL", reason: "it is not a URL of NATS" })
  const parsed = yield* Effect.try({ try: () => parseUrl(Redacted.value(options.url)), catch: () => invalid })
  if (parsed.shown === "") return yield* invalid
  const unavailable = (cause: unknown) => new NatsUnavailable({ servers: parsed.shown, reason: reasonOf(cause) })
  const within = Duration.fromInputUnsafe(options.connectTimeout ?? "5 seconds")
  let last: unknown = "no answer"
  return yield* attempt({
    ...parsed.options,
    name: options.name,
    timeout: Math.max(1, Duration.toMillis(within)),
    reconnect: true,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_MILLIS,
    reconnectJitter: RECONNECT_MILLIS,
    pingInterval: PING_MILLIS,
    maxPingOut: PINGS_OUT,
    noAsyncTraces: true
  }).pipe(
    Effect.tapError((cause) =>
      Effect.sync(() => {
        last = cause
      })
    ),
    Effect.retry({
      schedule: Schedule.spaced(RECONNECT_MILLIS),
      // no wait makes a wrong password right
      while: (cause) => !(cause instanceof errors.AuthorizationError)
    }),
    Effect.mapError(unavailable),
    Effect.interruptible,
    Effect.timeoutOrElse({ duration: within, orElse: () => Effect.suspend(() => Effect.fail(unavailable(last))) })
  )
})

const bounded = (closing: () => Promise<void>) =>
  Effect.tryPromise(closing).pipe(Effect.interruptible, Effect.timeoutOption(CLOSE_TIMEOUT), Effect.ignore)

const make = Effect.fnUntraced(function* (options: NatsOptions) {
  const gauges = yield* Gauges
  const log = Effect.runForkWith(yield* Effect.context<never>())
  let up = true
  const disconnects = new Set<() => void>()
  const reconnects = new Set<() => void>()
  let closing = false
  const connection = yield* Effect.acquireRelease(open(options), (opened) =>
    Effect.gen(function* () {
      closing = true
      // draining waits for the server's answer: not for one that is away
      if (up) yield* bounded(() => opened.drain())
      yield* bounded(() => opened.close())
      set(false)
    })
  )

  /** What a listener throws would otherwise end the client's reader, and the connection with it would look open but be deaf. */
  const guard = (what: string, run: () => void) => {
    try {
      run()
    } catch (cause) {
      gauges.add("nats_handler_failures_total", 1)
      log(Effect.logError("A listener of NATS failed", { what, cause }))
    }
  }
  const set = (now: boolean) => {
    if (up === now) return
    up = now
    gauges.set("nats_connected", now ? 1 : 0)
    if (!now && !closing) gauges.add("nats_disconnects_total", 1)
    for (const listener of now ? [...reconnects] : [...disconnects]) guard(now ? "reconnect" : "disconnect", listener)
    if (closing) return
    log(
      now ? Effect.logInfo("NATS is back") : Effect.logWarning("The connection to NATS is broken; it is dialled again")
    )
  }
  gauges.set("nats_connected", 1)

  yield* Effect.forkScoped(
    Effect.promise(async () => {
      for await (const status of connection.status()) {
        if (status.type === "disconnect" || status.type === "staleConnection" || status.type === "close") set(false)
        else if (status.type === "reconnect") set(true)
        else if (status.type === "error") log(Effect.logWarning("NATS reports", status.error.message))
      }
    })
  )

  const member = (set: Set<() => void>, listener: () => void): (() => void) => {
    // a listener given twice is two listeners
    const own = () => listener()
    set.add(own)
    return () => void set.delete(own)
  }
  const scoped = (acquire: () => () => void) =>
    Effect.asVoid(Effect.acquireRelease(Effect.sync(acquire), (release) => Effect.sync(release)))

  const listen = (subject: string, handler: (message: Msg) => void, subOptions?: { readonly queue?: string }) => {
    const subscription = connection.subscribe(subject, {
      ...subOptions,
      callback: (error, message) =>
        error === null
          ? guard(subject, () => handler(message))
          : void log(Effect.logWarning("NATS refuses a subscription", { subject, reason: error.message }))
    })
    return () => {
      if (!subscription.isClosed()) subscription.unsubscribe()
    }
  }

  return Nats.of({
    connection,
    connected: () => up && !connection.isClosed(),
    onDisconnect: (listener) => scoped(() => member(disconnects, listener)),
    onReconnect: (listener) => scoped(() => member(reconnects, listener)),
    subscribe: (subject, handler, subOptions) => scoped(() => listen(subject, handler, subOptions)),
    listen,
    watchDisconnect: (listener) => member(disconnects, listener)
  })
})
