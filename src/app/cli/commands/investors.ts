/** `lzstock investors`: accounts, as who runs the server sees them. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import type { AccountFacts, LZStockClient } from "../../../rpc/client.ts"
import { type Failure, fromServer } from "../failure.ts"
import { type ConnectionFlags, connection, json, openClient } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeJson } from "../Out.ts"
import { operator, operatorToken } from "../operator.ts"
import { paint } from "../paint.ts"

type Input = { readonly email: string; readonly dataDir: string; readonly json: boolean } & ConnectionFlags
type Account = LZStockClient["Service"]["account"]

const opened = Effect.fnUntraced(function* (input: Input) {
  const token = yield* operatorToken(input.dataDir)
  return { token, account: (yield* openClient(input, token)).account }
})

const time = (millis: number): string => new Date(millis).toISOString()

const show = Effect.fnUntraced(function* (input: Input, facts: AccountFacts) {
  const out = yield* Out
  if (input.json) return yield* writeJson(facts)
  const lines: ReadonlyArray<readonly [string, string]> = [
    ["account", `${facts.email} (${facts.id})`],
    ["since", time(facts.createdAt)],
    ["browsers", `${format.count(facts.browsers)} signed in`],
    ["tokens", format.count(facts.tokens)],
    ["banned", facts.bannedAt === null ? "no" : `since ${time(facts.bannedAt)}`]
  ]
  yield* out.write(lines.map(([name, value]) => `${paint(out.colours, "dim", name.padEnd(10))}${value}\n`).join(""))
})

const looking = (ask: (account: Account, token: string, email: string) => ReturnType<Account["find"]>) =>
  Effect.fn("cli.investors")(function* (input: Input): Effect.fn.Return<void, Failure, Out> {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const { account, token } = yield* opened(input)
        yield* show(input, yield* Effect.mapError(ask(account, token, input.email), fromServer(input.url)))
      })
    )
  })

type RefusalsOf<A extends "add" | "resetPassword"> = Effect.Error<ReturnType<Account[A]>>

/** A random password, told on stdout alone; what is to be done with it, on stderr. */
const telling = (
  ask: (
    account: Account,
    token: string,
    email: string
  ) => Effect.Effect<{ readonly password: string }, RefusalsOf<"add"> | RefusalsOf<"resetPassword">>,
  whatNow: string
) =>
  Effect.fn("cli.investors.password")(function* (input: Input) {
    const out = yield* Out
    const { account, token } = yield* opened(input)
    const answer = yield* Effect.mapError(ask(account, token, input.email), fromServer(input.url))
    if (input.json) return yield* writeJson(answer)
    yield* out.note(`lzstock: this password is shown only once. ${whatNow}`)
    yield* out.write(`${answer.password}\n`)
  })

const reset = telling(
  (account, token, email) => account.resetPassword(token, email),
  "Every browser of the account was signed out; its owner can change it on the account page"
)
const add = telling(
  (account, token, email) => account.add(token, email),
  "Hand it to the account's owner, who can change it on the account page"
)

const input = {
  email: Argument.String("email").pipe(
    Argument.withMetavar("EMAIL"),
    Argument.withDescription("The account's e-mail address")
  ),
  ...operator,
  json,
  ...connection
}

export const investors = Command.make("investors").pipe(
  Command.withDescription(
    "Accounts, for who runs the server: make one, look, ban, give a new password. Takes the operator's token"
  ),
  Command.withShortDescription("Make accounts, look at them, ban them, give new passwords; for operators"),
  Command.withSubcommands([
    Command.make("add", input, (given) => Effect.scoped(add(given))).pipe(
      Command.withDescription("Make an account with a random password, printed once, for its owner to sign in with")
    ),
    Command.make(
      "show",
      input,
      looking((account, token, email) => account.find(token, email))
    ).pipe(Command.withDescription("Show an account: since when, browsers, tokens, whether it is banned")),
    Command.make(
      "ban",
      input,
      looking((account, token, email) => account.setBan(token, email, true))
    ).pipe(Command.withDescription("Sign it out everywhere, revoke its tokens, and let nobody sign in to it")),
    Command.make(
      "unban",
      input,
      looking((account, token, email) => account.setBan(token, email, false))
    ).pipe(Command.withDescription("Take a ban back: its owner may sign in again")),
    Command.make("reset-password", input, (given) => Effect.scoped(reset(given))).pipe(
      Command.withDescription("Give it a random password, printed once; its browsers are signed out")
    )
  ])
)
