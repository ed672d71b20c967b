/** What operators do with accounts: look, ban, give a new password. Each is in the audit log of the account it was done to. */
import { Clock, Effect } from "effect"
import { type Account, Accounts } from "../../actors/investors/Accounts.ts"
import { ApiTokens } from "../../actors/investors/ApiTokens.ts"
import { AuditLog, BY_OPERATOR } from "../../actors/investors/AuditLog.ts"
import { randomPassword } from "../../actors/investors/Credentials.ts"
import { Endings } from "../../actors/investors/Endings.ts"
import { Passwords } from "../../actors/investors/Passwords.ts"
import { SignIns } from "../../actors/investors/SignIns.ts"
import { NotFound, normaliseEmail } from "../../rpc/investors.ts"

export const makeAccountOperations = Effect.gen(function* () {
  const accounts = yield* Accounts
  const audit = yield* AuditLog
  const endings = yield* Endings
  const passwords = yield* Passwords
  const signIns = yield* SignIns
  const tokens = yield* ApiTokens

  const accountOf = Effect.fnUntraced(function* (typed: string) {
    const email = normaliseEmail(typed)
    const account = email === undefined ? undefined : yield* accounts.byEmail(email)
    if (account !== undefined && email !== undefined) return { account, email }
    return yield* new NotFound({ what: "account", message: `There is no account with the e-mail address ${typed}` })
  })

  const factsOf = Effect.fnUntraced(function* ({ bannedAt, createdAt, id }: Account, email: string) {
    const now = yield* Clock.currentTimeMillis
    const browsers = (yield* signIns.list(id, now)).length
    const live = (yield* tokens.list(id, now)).filter(({ expiresAt }) => expiresAt > now).length
    return { id, email, createdAt, bannedAt, browsers, tokens: live }
  })

  const note = Effect.fnUntraced(function* (investor: string, event: string, address: string | null) {
    const at = yield* Clock.currentTimeMillis
    yield* audit.record({ at, investor, event, result: "done", address, device: null, detail: BY_OPERATOR })
  })

  return {
    find: Effect.fnUntraced(function* (typed: string, address: string | null) {
      const { account, email } = yield* accountOf(typed)
      yield* note(account.id, "looked-at", address)
      return yield* factsOf(account, email)
    }),

    setBan: Effect.fnUntraced(function* (typed: string, banned: boolean, address: string | null) {
      const { account, email } = yield* accountOf(typed)
      const now = yield* Clock.currentTimeMillis
      const bannedAt = banned ? (account.bannedAt ?? now) : null
      // first of all: who signs in, or makes a token, from here on finds it
      yield* accounts
        .setBanned(account.id, bannedAt)
        .pipe(
          Effect.andThen(
            banned
              ? Effect.andThen(tokens.revokeAll(account.id), endings.everything(account.id, now + 1, "banned"))
              : Effect.void
          ),
          Effect.andThen(note(account.id, banned ? "banned" : "ban-lifted", address)),
          Effect.uninterruptible
        )
      return yield* factsOf({ ...account, bannedAt }, email)
    }),

    resetPassword: Effect.fnUntraced(function* (typed: string, address: string | null) {
      const { account } = yield* accountOf(typed)
      const password = randomPassword()
      const hash = yield* passwords.hash(password)
      const at = yield* Clock.currentTimeMillis
      yield* accounts
        .setPassword(account.id, hash, at)
        .pipe(
          Effect.andThen(endings.browsers(account.id, at, "password-reset")),
          Effect.andThen(note(account.id, "password-reset", address)),
          Effect.uninterruptible
        )
      return { password }
    })
  }
})
