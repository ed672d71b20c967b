/**
 * Passwords become argon2id hashes in PHC form. Few at a time: each takes 19 MiB and some 35 ms of a core. A bounded number waits, the
 * rest is told to come again, so that who floods the sign-in page slows down nothing but sign-ins.
 */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from "node:crypto"
import { Context, Effect, Layer, Semaphore } from "effect"
import { Unavailable } from "../../rpc/market.ts"
import { tryAgainIn } from "../../rpc/sessions.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { normalisePassword } from "./passwordPolicy.ts"

/** OWASP's minimum of 2026: 19 MiB, two passes, one lane. */
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const SALT_BYTES = 16
const HASH_BYTES = 32
const RETRY_AFTER_MILLIS = 2_000

export interface PasswordsOptions {
  readonly atOnce: number
  /** Beyond those at once. */
  readonly waiting: number
}

interface Parsed {
  readonly memory: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
  readonly hash: Buffer
}

const base64 = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "")
const format = (salt: Buffer, hash: Buffer): string =>
  `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${base64(salt)}$${base64(hash)}`

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/
/** Undefined: not of ours. */
const parse = (text: string): Parsed | undefined => {
  const [, memory, passes, lanes, salt, hash] = phc.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  return {
    memory: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64")
  }
}

const derive = (parameters: Argon2Parameters): Effect.Effect<Buffer> =>
  Effect.callback((resume) => {
    argon2("argon2id", parameters, (error, key) => {
      resume(error === null ? Effect.succeed(key) : Effect.die(error))
    })
  })

export class Passwords extends Context.Service<
  Passwords,
  {
    readonly hash: (password: string) => Effect.Effect<string, Unavailable>
    /** `hash` null: there is no such account, which takes as long to say as a wrong password. */
    readonly verify: (password: string, hash: string | null) => Effect.Effect<boolean, Unavailable>
    /** Whether it was made with what is asked for today. */
    readonly isCurrent: (hash: string) => boolean
  }
>()("lzstock/actors/investors/Passwords") {
  static readonly layer = (options: PasswordsOptions): Layer.Layer<Passwords, never, Gauges> =>
    Layer.effect(
      Passwords,
      Effect.gen(function* () {
        const gauges = yield* Gauges
        const room = yield* Semaphore.make(options.atOnce)
        let inside = 0

        /** What runs cannot be stopped: it counts until it is over. */
        const inTurn = (work: Effect.Effect<Buffer>): Effect.Effect<Buffer, Unavailable> =>
          Effect.suspend((): Effect.Effect<Buffer, Unavailable> => {
            if (inside >= options.atOnce + options.waiting) {
              gauges.add("password_hashes_refused_total", 1)
              return Effect.fail(
                new Unavailable({
                  what: "sign-in",
                  retryAfterMillis: RETRY_AFTER_MILLIS,
                  message: `Too many sign in at this moment: ${tryAgainIn(RETRY_AFTER_MILLIS)}`
                })
              )
            }
            inside++
            gauges.add("password_hashes_active", 1)
            const counted = Effect.andThen(
              Effect.sync(() => gauges.add("password_hashes_total", 1)),
              Effect.uninterruptible(work)
            )
            return Effect.ensuring(
              room.withPermit(counted),
              Effect.sync(() => {
                inside--
                gauges.add("password_hashes_active", -1)
              })
            )
          })

        const message = (password: string) => Buffer.from(normalisePassword(password), "utf8")
        const fresh = (password: string, salt: Buffer) =>
          derive({
            message: message(password),
            nonce: salt,
            memory: MEMORY_KIB,
            passes: PASSES,
            parallelism: LANES,
            tagLength: HASH_BYTES
          })
        /** Of no password: random bytes where a hash would be. */
        const nobody: Parsed = {
          memory: MEMORY_KIB,
          passes: PASSES,
          lanes: LANES,
          salt: randomBytes(SALT_BYTES),
          hash: randomBytes(HASH_BYTES)
        }

        return Passwords.of({
          hash: (password) =>
            Effect.suspend(() => {
              const salt = randomBytes(SALT_BYTES)
              return Effect.map(inTurn(fresh(password, salt)), (hash) => format(salt, hash))
            }),
          verify: (password, text) =>
            Effect.suspend(() => {
              const stored = text === null ? undefined : parse(text)
              const { hash, lanes, memory, passes, salt } = stored ?? nobody
              return Effect.map(
                inTurn(
                  derive({
                    message: message(password),
                    nonce: salt,
                    memory,
                    passes,
                    parallelism: lanes,
                    tagLength: hash.length
                  })
                ),
                (derived) => timingSafeEqual(derived, hash) && stored !== undefined
              )
            }),
          isCurrent: (text) => {
            const stored = parse(text)
            return stored?.memory === MEMORY_KIB && stored.passes === PASSES && stored.lanes === LANES
          }
        })
      })
    )
}
