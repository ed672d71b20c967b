/** Who investors are and what they stand on: the list of layers behind a gateway's accounts, and on which stores they stand. */
import { BlockList } from "node:net"
import { Effect, Layer, Option } from "effect"
import { Accounts } from "../../actors/investors/Accounts.ts"
import { Attempts } from "../../actors/investors/Attempts.ts"
import { AuditLog } from "../../actors/investors/AuditLog.ts"
import { Credentials } from "../../actors/investors/Credentials.ts"
import { Endings } from "../../actors/investors/Endings.ts"
import { ensureLocal, Investors } from "../../actors/investors/Investors.ts"
import { Passwords } from "../../actors/investors/Passwords.ts"
import { type Settings, signInMode } from "../Config.ts"
import { Authenticator } from "../gateway/Authenticator.ts"
import { parseProxies } from "../gateway/address.ts"
import { Operator } from "../gateway/Operator.ts"
import { AccountsSql } from "../postgres/AccountsSql.ts"
import { ApiTokensSql } from "../postgres/ApiTokensSql.ts"
import { AuditLogSql } from "../postgres/AuditLogSql.ts"
import { OutboxRelay } from "../postgres/OutboxRelay.ts"
import { SignInsSql } from "../postgres/SignInsSql.ts"
import { SigningKeySql } from "../postgres/SigningKeySql.ts"
import { RedisAttempts } from "../redis/RedisAttempts.ts"
import { RedisConnection } from "../redis/RedisConnection.ts"
import { RedisSignIns } from "../redis/RedisSignIns.ts"

const DAY_MILLIS = 86_400_000
/** For each that is hashed so many may wait. */
const WAITING_EACH = 16

export const idleMillis = ({ signInDays }: Settings): number => signInDays * DAY_MILLIS

/** What an account leaves in the outbox goes out at once, not with the relay's next look. */
const layerAccounts = Layer.effect(
  Accounts,
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const { poke } = yield* OutboxRelay
    return Accounts.of({
      ...accounts,
      create: (account, event) => Effect.andThen(accounts.create(account, event), poke),
      remove: (id, event) => Effect.tap(accounts.remove(id, event), poke)
    })
  })
).pipe(Layer.provide(AccountsSql.layer))

/** What happens to accounts stands in the log too, for who watches over many nodes. */
const layerAuditLog = Layer.effect(
  AuditLog,
  Effect.map(AuditLog, (audit) =>
    AuditLog.of({
      ...audit,
      record: (entry) => Effect.andThen(audit.record(entry), Effect.logInfo("Security event", entry))
    })
  )
).pipe(Layer.provide(AuditLogSql.layer))

/**
 * What may be forgotten: in Redis, where the role's wires are connected to one; else in the database. Attempts are then counted by
 * this process alone.
 */
const layerPassing = ({ cluster }: Settings) =>
  Layer.unwrap(
    Effect.map(Effect.serviceOption(RedisConnection), (redis) =>
      Option.isNone(redis)
        ? Layer.mergeAll(SignInsSql.layer, Attempts.layerMemory)
        : Layer.mergeAll(
            RedisSignIns.layer({ prefix: `${cluster}:signins:` }),
            RedisAttempts.layer({ prefix: `${cluster}:attempts:` })
          ).pipe(Layer.provide(Layer.succeed(RedisConnection, redis.value)))
    )
  )

export const layerIdentity = (settings: Settings) => {
  const mode = signInMode(settings)
  const stores = Layer.mergeAll(
    layerAccounts,
    ApiTokensSql.layer,
    layerAuditLog,
    SigningKeySql.layer,
    layerPassing(settings)
  )
  const investors = Investors.layer({
    passwords: { minLength: settings.minPassword },
    idleMillis: idleMillis(settings),
    attempts: settings.signInAttempts
  }).pipe(
    Layer.provideMerge(
      Passwords.layer({ atOnce: settings.passwordsAtOnce, waiting: WAITING_EACH * settings.passwordsAtOnce })
    )
  )
  const authenticator = Authenticator.layer({
    mode,
    // Config has seen to it that they can be parsed
    proxies: parseProxies(settings.trustedProxies) ?? new BlockList(),
    sessionsPerInvestor: settings.maxInvestorSessions
  })
  const local = mode === "local" ? Layer.effectDiscard(ensureLocal) : Layer.empty
  return Layer.mergeAll(investors, authenticator, local).pipe(
    Layer.provideMerge(Endings.layer),
    Layer.provideMerge(
      Layer.mergeAll(Credentials.layer, Operator.layer({ token: settings.operatorToken, dataDir: settings.dataDir }))
    ),
    Layer.provideMerge(stores)
  )
}
