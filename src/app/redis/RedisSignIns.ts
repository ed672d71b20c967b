/**
 * Sign-ins in Redis: `<prefix>s:<id>` is a hash that goes when it expires, `<prefix>i:<investor>` a set of the investor's ids by
 * when they end, `<prefix>t:<nonce>` a ticket that was taken. One that is not in its investor's set is none: ending all of them
 * must leave nobody behind whom Redis forgot there (it may have been short of memory). What makes no sense is taken for absent.
 */
import { Effect, Exit, Layer, Option, Schema } from "effect"
import type { Result } from "ioredis"
import { MOST_BROWSERS, SignIns, type StoredSignIn } from "../../actors/investors/SignIns.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Unavailable } from "../../rpc/market.ts"
import { tryAgainIn } from "../../rpc/sessions.ts"
import { makeBatches } from "../Batches.ts"
import { askWithin } from "./ask.ts"
import { RedisConnection } from "./RedisConnection.ts"

export interface RedisSignInsOptions {
  /** Before every key, so that systems can share a server: `lzstock:signins:`. */
  readonly prefix: string
}

const DEADLINE = "1 second"
/** A ticket is remembered for longer than it is good for: another node's clock may be behind. */
const REMEMBERED_MILLIS = 60_000
/** Sign-ins or tickets of one call of a script: Redis does nothing else meanwhile. */
const MOST_AT_ONCE = 200
const MOST_WAITING = 4_096

/**
 * Each script is one round trip, and whole. ARGV[1]: the prefix. Keys are made here, some of what a sign-in says: this is for one
 * server, not for a Redis Cluster.
 */
const SCRIPT = `
local function keyOf(id) return ARGV[1] .. 's:' .. id end
local function ownKey(investor) return ARGV[1] .. 'i:' .. investor end
local function idsOf(investor)
  local ids = redis.pcall('ZRANGE', ownKey(investor), 0, -1)
  return ids.err and {} or ids
end
local function finish(investor, id)
  redis.call('DEL', keyOf(id))
  redis.call('ZREM', ownKey(investor), id)
end
-- nil, or its investor, expiresAt, endsAt, lastSeenAt, kind
local function standing(id)
  local all = redis.pcall('HMGET', keyOf(id), 'investor', 'expiresAt', 'endsAt', 'lastSeenAt', 'kind')
  if all.err or not (all[1] and all[2] and all[3] and all[4]) then return nil end
  if type(redis.pcall('ZSCORE', ownKey(all[1]), id)) ~= 'string' then return nil end
  return all[1], tonumber(all[2]) or 0, tonumber(all[3]) or 0, tonumber(all[4]) or 0, all[5]
end
`

/**
 * id, investor, now, expires, ends, kind, then field, value, … Looks at all of the investor's, which are few because it does:
 * those that are gone leave the set, browsers beyond the most end.
 */
const PUT = `${SCRIPT}
local id, own, now, expires = ARGV[2], ownKey(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('DEL', keyOf(id))
if redis.call('TYPE', own).ok ~= 'zset' then redis.call('DEL', own) end
redis.call('ZREMRANGEBYSCORE', own, '-inf', now)
local browsers = {}
for _, other in ipairs(idsOf(ARGV[3])) do
  local investor, _, _, last, kind = standing(other)
  if investor ~= ARGV[3] then
    redis.call('ZREM', own, other)
  elseif kind == 'browser' then
    browsers[#browsers + 1] = { id = other, last = last }
  end
end
if expires <= now then return end
if ARGV[7] == 'browser' and #browsers >= ${MOST_BROWSERS} then
  table.sort(browsers, function(a, b) return a.last > b.last or (a.last == b.last and a.id < b.id) end)
  for at = ${MOST_BROWSERS}, #browsers do finish(ARGV[3], browsers[at].id) end
end
redis.call('HSET', keyOf(id), unpack(ARGV, 8))
redis.call('PEXPIRE', keyOf(id), expires - now)
redis.call('ZADD', own, ARGV[6], id)
local left = math.max(tonumber(ARGV[6]), expires) - now
if redis.call('PTTL', own) < left then redis.call('PEXPIRE', own, left) end
`

/** ids. Of each its fields and values, or none. */
const FIND = `${SCRIPT}
local found = {}
for at = 2, #ARGV do
  found[at - 1] = standing(ARGV[at]) and redis.call('HGETALL', keyOf(ARGV[at])) or {}
end
return found
`

/** investor. Fields and values of each. */
const LIST = `${SCRIPT}
local found = {}
for _, id in ipairs(idsOf(ARGV[2])) do
  if standing(id) == ARGV[2] then
    found[#found + 1] = redis.call('HGETALL', keyOf(id))
  else
    redis.call('ZREM', ownKey(ARGV[2]), id)
  end
end
return found
`

/** investor, id. */
const END = `${SCRIPT}
if standing(ARGV[3]) ~= ARGV[2] then return 0 end
finish(ARGV[2], ARGV[3])
return 1
`

/** investor, '1': those of tokens too. */
const END_ALL = `${SCRIPT}
local ended = {}
for _, id in ipairs(idsOf(ARGV[2])) do
  local investor, _, _, _, kind = standing(id)
  if investor ~= ARGV[2] then
    redis.call('ZREM', ownKey(ARGV[2]), id)
  elseif ARGV[3] == '1' or kind == 'browser' then
    finish(ARGV[2], id)
    ended[#ended + 1] = id
  end
end
return ended
`

/** now, ms, then ids. For each 1 if it is there. */
const SEEN = `${SCRIPT}
local now, idle = tonumber(ARGV[2]), tonumber(ARGV[3])
local there = {}
for at = 4, #ARGV do
  local key = keyOf(ARGV[at])
  local investor, expires, ends, last = standing(ARGV[at])
  if investor and expires > now then
    expires, last = math.max(expires, math.min(now + idle, ends)), math.max(last, now)
    redis.call('HSET', key, 'lastSeenAt', string.format('%.0f', last), 'expiresAt', string.format('%.0f', expires))
    redis.call('PEXPIRE', key, string.format('%.0f', expires - now))
    there[at - 3] = 1
  else
    there[at - 3] = 0
  end
end
return there
`

/** Of each ticket id, nonce, now, ms for which it is remembered. */
const REDEEM = `${SCRIPT}
local answers = {}
for at = 2, #ARGV, 4 do
  local investor, expires = standing(ARGV[at])
  local answer = 'ended'
  if investor and expires > tonumber(ARGV[at + 2]) then
    local taken = redis.call('SET', ARGV[1] .. 't:' .. ARGV[at + 1], '', 'PX', ARGV[at + 3], 'NX')
    answer = taken and 'good' or 'used'
  end
  answers[#answers + 1] = answer
end
return answers
`

type Text = string | number
type Ticket = Parameters<typeof SignIns.Service.redeem>[0]
type Redeemed = "good" | "used" | "ended"
declare module "ioredis" {
  interface RedisCommander<Context> {
    putSignIn(prefix: string, ...rest: ReadonlyArray<Text>): Result<null, Context>
    findSignIns(prefix: string, ...ids: ReadonlyArray<string>): Result<ReadonlyArray<ReadonlyArray<string>>, Context>
    listSignIns(prefix: string, investor: string): Result<ReadonlyArray<ReadonlyArray<string>>, Context>
    endSignIn(prefix: string, investor: string, id: string): Result<number, Context>
    endSignIns(prefix: string, investor: string, tokens: Text): Result<ReadonlyArray<string>, Context>
    seeSignIns(
      prefix: string,
      now: number,
      millis: number,
      ...ids: ReadonlyArray<string>
    ): Result<ReadonlyArray<number>, Context>
    redeemTickets(prefix: string, ...rest: ReadonlyArray<Text>): Result<ReadonlyArray<Redeemed>, Context>
  }
}

/** As the hash has it. */
const Stored = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literals(["browser", "token"]),
  investor: Schema.String,
  secretHash: Schema.Uint8ArrayFromBase64Url,
  createdAt: Schema.FiniteFromString,
  lastSeenAt: Schema.FiniteFromString,
  expiresAt: Schema.FiniteFromString,
  endsAt: Schema.FiniteFromString,
  userAgent: Schema.String,
  address: Schema.String
})
const encode = Schema.encodeSync(Stored)
const decode = Schema.decodeUnknownOption(Stored)

/** Field, value, … as Redis answers. Undefined: none, or expired. */
const signInOf = (flat: ReadonlyArray<string>, now: number): StoredSignIn | undefined => {
  const fields: Record<string, string> = {}
  for (let at = 0; at + 1 < flat.length; at += 2) fields[flat[at] ?? ""] = flat[at + 1] ?? ""
  const found = Option.getOrUndefined(decode(fields))
  return found !== undefined && found.expiresAt > now ? found : undefined
}

const AWAY_MILLIS = 1_000
const unavailable = () =>
  new Unavailable({
    what: "sign-ins",
    retryAfterMillis: AWAY_MILLIS,
    message: `The store of sign-ins is away: ${tryAgainIn(AWAY_MILLIS)}`
  })

const layer = ({ prefix }: RedisSignInsOptions): Layer.Layer<SignIns, never, Gauges | RedisConnection> =>
  Layer.effect(
    SignIns,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const redis = yield* RedisConnection
      const { client } = redis
      const scripts = {
        putSignIn: PUT,
        findSignIns: FIND,
        listSignIns: LIST,
        endSignIn: END,
        endSignIns: END_ALL,
        seeSignIns: SEEN,
        redeemTickets: REDEEM
      }
      for (const [command, lua] of Object.entries(scripts)) client.defineCommand(command, { lua, numberOfKeys: 0 })

      /** Said in the log once, until it answers again; of a connection that broke RedisConnection tells. */
      let away = false
      const failed = (reason: string) =>
        Effect.suspend(() => {
          gauges.add("sign_ins_unavailable_total", 1)
          const failure = Effect.fail(unavailable())
          if (away || !redis.isUp()) return failure
          away = true
          return Effect.andThen(Effect.logWarning("Redis gives no answer about sign-ins", { reason }), failure)
        })
      const askRedis = askWithin(redis, DEADLINE)
      const ask = <A>(call: () => Promise<A>): Effect.Effect<A, Unavailable> =>
        askRedis(call).pipe(
          Effect.tap(() =>
            Effect.sync(() => {
              away = false
            })
          ),
          Effect.catch(failed)
        )

      /** Thousands come at once when a gateway died. All in a batch have the same answer when the store is away. */
      const batched = <A, B>(call: (items: ReadonlyArray<A>) => Promise<ReadonlyArray<B>>) =>
        makeBatches<A, B, Unavailable>({
          run: (items) =>
            Effect.match(
              ask(() => call(items)),
              {
                onFailure: (error) => items.map(() => Exit.fail(error)),
                onSuccess: (answers) => answers.map(Exit.succeed)
              }
            ),
          weight: () => 1,
          most: MOST_AT_ONCE,
          waiting: MOST_WAITING
        })
      const find = yield* batched((ids: ReadonlyArray<string>) => client.findSignIns(prefix, ...ids))
      const redeem = yield* batched((tickets: ReadonlyArray<Ticket>) =>
        client.redeemTickets(
          prefix,
          ...tickets.flatMap(({ nonce, now, signIn, ticketExpiresAt }) => [
            ...[signIn, nonce, now],
            Math.max(1, ticketExpiresAt - now + REMEMBERED_MILLIS)
          ])
        )
      )

      return SignIns.of({
        put: (signIn) => {
          const { endsAt, expiresAt, id, investor, kind, lastSeenAt } = signIn
          const fields = Object.entries(encode(signIn)).flat()
          return Effect.asVoid(
            ask(() => client.putSignIn(prefix, id, investor, lastSeenAt, expiresAt, endsAt, kind, ...fields))
          )
        },
        find: (id, now) => Effect.map(find(id), (flat) => signInOf(flat, now)),
        list: (investor, now) =>
          Effect.map(
            ask(() => client.listSignIns(prefix, investor)),
            (all) =>
              all
                .flatMap((flat) => signInOf(flat, now) ?? [])
                .filter(({ kind }) => kind === "browser")
                .sort((a, b) => b.lastSeenAt - a.lastSeenAt || (a.id < b.id ? -1 : 1))
          ),
        end: (investor, id) =>
          Effect.map(
            ask(() => client.endSignIn(prefix, investor, id)),
            (ended) => ended === 1
          ),
        endAll: (investor, { tokens }) => ask(() => client.endSignIns(prefix, investor, tokens ? 1 : 0)),
        seen: Effect.fnUntraced(function* (ids, now, idleMillis) {
          const parts = Array.from({ length: Math.ceil(ids.length / MOST_AT_ONCE) }, (_, n) =>
            ids.slice(n * MOST_AT_ONCE, (n + 1) * MOST_AT_ONCE)
          )
          const there = yield* Effect.forEach(
            parts,
            (part) =>
              Effect.map(
                ask(() => client.seeSignIns(prefix, now, idleMillis, ...part)),
                (found) => part.filter((_, index) => found[index] === 1)
              ),
            { concurrency: "unbounded" }
          )
          return new Set(there.flat())
        }),
        redeem
      })
    })
  )

export const RedisSignIns = { layer }
