/**
 * Investors: their accounts, sign-ins (browsers), API tokens (programs) and what happened to them. What changes a cookie goes over
 * HTTP (`accountPaths`), all else over the socket (`investors.*`). Times are ms since epoch. Browser-safe, no logic but `normaliseEmail`.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Access, Authorised, Needs, NotAllowed, NotSignedIn, OperatorOnly } from "./access.ts"
import { InvalidRequest, LimitExceeded, Unavailable } from "./market.ts"

const Millis = Schema.Int
const Id = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,64}$/))

// ---- e-mail and password -----------------------------------------------------------------------------------------

export const MAX_EMAIL_LENGTH = 254
/** No control characters or halves of characters either: databases refuse them. */
const emailPattern = /^[^\s\p{C}@"<>(),:;\\[\]]{1,64}@[^\s\p{C}@"<>(),:;\\[\]]+\.[^\s\p{C}@"<>(),:;\\[\].]+$/u

/** One account a mailbox: without surrounding space, in small letters, in Unicode's composed form; undefined: no e-mail address. */
export const normaliseEmail = (text: string): string | undefined => {
  if (text.length > 4 * MAX_EMAIL_LENGTH) return undefined
  const email = text.normalize("NFKC").trim().toLowerCase()
  return email.length <= MAX_EMAIL_LENGTH && emailPattern.test(email) ? email : undefined
}

/** Longer ones would only cost time to hash. In UTF-16 code units. */
export const MAX_PASSWORD_LENGTH = 256
/** As typed; whether it is one is judged by the server, which says why not. */
const EmailText = Schema.String.check(Schema.isMaxLength(4 * MAX_EMAIL_LENGTH))
const Password = Schema.String.check(Schema.isMaxLength(MAX_PASSWORD_LENGTH))

// ---- over HTTP: what changes a cookie ------------------------------------------------------------------------------

/** All are POST with a JSON body, from a page of our own origin; the answer is JSON. */
export const accountPaths = {
  /** {} → AccountState. */
  state: "/account/state",
  /**
   * Credentials → AccountState, signed in; where only operators make accounts, as it stood before: the account is somebody else's.
   * Errors: InvalidRequest, WeakPassword, EmailTaken, NotAllowed, LimitExceeded, Unavailable.
   */
  signUp: "/account/sign-up",
  /** Credentials → AccountState, signed in. Errors: SignInRefused, LimitExceeded, Unavailable. */
  signIn: "/account/sign-in",
  /** {} → AccountState, signed out; every tab of this browser is. */
  signOut: "/account/sign-out",
  /** PasswordChange → AccountState, under a new cookie; all other browsers are signed out. Errors: NotSignedIn, SignInRefused, WeakPassword, … */
  changePassword: "/account/change-password",
  /** { password } → AccountState, signed out. Nothing of the account is left but its id in the audit log. */
  delete: "/account/delete"
} as const

/** Sent for sign-up and sign-in. */
export const Credentials = Schema.Struct({
  email: EmailText,
  password: Password,
  /** Sign-up where only operators make accounts: the operator's token. */
  operator: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200)))
})
export const PasswordChange = Schema.Struct({ current: Password, next: Password })
export const AccountDeletion = Schema.Struct({ password: Password })

export const Investor = Schema.Struct({
  id: Schema.String,
  /** Null: the local investor, who has no account. */
  email: Schema.NullOr(Schema.String),
  createdAt: Millis
})
export type Investor = typeof Investor.Type

export const AccountState = Schema.Struct({
  /** Null: sign in. */
  investor: Schema.NullOr(Investor),
  /** local: whoever reaches this server is its one investor, and there is nothing to sign in to. */
  mode: Schema.Literals(["local", "accounts"]),
  /** Who may make accounts: anybody, or operators only. */
  signUp: Schema.Literals(["open", "operator"]),
  minPasswordLength: Schema.Int
})
export type AccountState = typeof AccountState.Type

/** E-mail address or password is wrong; which of them is not said. */
export class SignInRefused extends Schema.TaggedError<SignInRefused>()("SignInRefused", { message: Schema.String }) {}
export class EmailTaken extends Schema.TaggedError<EmailTaken>()("EmailTaken", { message: Schema.String }) {}
/** `message` says what is wrong with it. */
export class WeakPassword extends Schema.TaggedError<WeakPassword>()("WeakPassword", { message: Schema.String }) {}

/** The limit of too many attempts at one account: with another e-mail address one need not wait. */
export const ATTEMPTS_OF_ACCOUNT = "attempts-of-account"

/** The body of every HTTP answer that is no success. `retryAfterMillis`: when to try again, where waiting helps. */
export const AccountProblem = Schema.Struct({
  error: Schema.String,
  message: Schema.String,
  field: Schema.optionalKey(Schema.String),
  /** Of LimitExceeded: which one. */
  limit: Schema.optionalKey(Schema.String),
  retryAfterMillis: Schema.optionalKey(Schema.NullOr(Schema.Int))
})
export type AccountProblem = typeof AccountProblem.Type

// ---- over the socket -----------------------------------------------------------------------------------------------

/** There is no such thing among the caller's own. Another investor's is none either. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  what: Schema.String,
  message: Schema.String
}) {}

/** What was shown is no valid token or ticket: mistyped, expired, revoked, or used before. */
export class CredentialRefused extends Schema.TaggedError<CredentialRefused>()("CredentialRefused", {
  message: Schema.String
}) {}

export const Credential = Schema.Union([
  /** An API token, or the operator's. */
  Schema.TaggedStruct("Token", { token: Schema.String.check(Schema.isMaxLength(200)) }),
  /** From `investors.Ticket`: once, and soon. */
  Schema.TaggedStruct("Ticket", { ticket: Schema.String.check(Schema.isMaxLength(600)) })
])
export type Credential = typeof Credential.Type

/** Whose connection it is, and what it may do. */
export const Me = Schema.Struct({
  investor: Investor,
  via: Schema.Literals(["cookie", "token", "local", "operator"]),
  access: Access,
  /** Of the sign-in or the token; null: never. */
  expiresAt: Schema.NullOr(Millis)
})
export type Me = typeof Me.Type

/** For a connection that has no cookie: the first request on it, within 5 s. */
export const Authenticate = Rpc.make("Authenticate", {
  payload: { credential: Credential },
  success: Schema.Struct({ investor: Schema.String, access: Access, expiresAt: Schema.NullOr(Millis) }),
  error: Schema.Union([CredentialRefused, LimitExceeded, Unavailable])
})

export const GetMe = Rpc.make("Me", { success: Me, error: Schema.Union([NotSignedIn, Unavailable]) }).annotate(
  Needs,
  "read"
)

/** To come back with after the connection broke: spares the server the token. */
export const Ticket = Schema.Struct({ ticket: Schema.String, lifetimeMillis: Schema.Int })
export type Ticket = typeof Ticket.Type
export const GetTicket = Rpc.make("Ticket", { success: Ticket, error: Unavailable }).annotate(Needs, "read")

/** A browser that is signed in. */
export const SignIn = Schema.Struct({
  id: Id,
  createdAt: Millis,
  /** To the minute. */
  lastSeenAt: Millis,
  /** It has a connection: here now, or at another node when that looked last, within the last minute. */
  connected: Schema.Boolean,
  expiresAt: Millis,
  /** "Chrome on Windows", as far as it says so. */
  device: Schema.String,
  /** Where it signed in from. */
  address: Schema.String,
  /** The one that asks. */
  current: Schema.Boolean
})
export type SignIn = typeof SignIn.Type
export const ListSignIns = Rpc.make("SignIns", { success: Schema.Array(SignIn), error: Unavailable })

/** Its sockets are closed on every node. */
export const EndSignIn = Rpc.make("EndSignIn", {
  payload: { id: Id },
  success: Schema.Struct({ ended: Schema.Int }),
  error: Schema.Union([NotFound, Unavailable])
})

/** Every browser; with `tokens` every program too. */
export const SignOutEverywhere = Rpc.make("SignOutEverywhere", {
  payload: { tokens: Schema.Boolean },
  success: Schema.Struct({ ended: Schema.Int }),
  error: Unavailable
})

export const MAX_TOKEN_DAYS = 365
export const MAX_TOKENS = 50
export const TokenAccess = Schema.Literals(["read", "write"])

/** A program's credential, as far as it can be shown again. */
export const ApiToken = Schema.Struct({
  id: Id,
  name: Schema.String,
  access: TokenAccess,
  createdAt: Millis,
  expiresAt: Millis,
  /** To the minute; null: never used. */
  lastUsedAt: Schema.NullOr(Millis)
})
export type ApiToken = typeof ApiToken.Type
/** Those that have expired too, until they are revoked or a month has gone by. */
export const ListTokens = Rpc.make("Tokens", { success: Schema.Array(ApiToken), error: Unavailable })

export const CreateToken = Rpc.make("CreateToken", {
  payload: {
    name: Schema.String.check(Schema.isPattern(/^(?=.*\S)[^\p{Cc}\p{Cs}]{1,60}$/u)),
    access: TokenAccess,
    days: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_TOKEN_DAYS }))
  },
  /** `secret` is what a program shows: told this once. */
  success: Schema.Struct({ secret: Schema.String, token: ApiToken }),
  error: Schema.Union([LimitExceeded, NotSignedIn, Unavailable])
})

/** The sockets that stand on it are closed on every node. */
export const RevokeToken = Rpc.make("RevokeToken", {
  payload: { id: Id },
  success: Schema.Struct({ revoked: Schema.Int }),
  error: Schema.Union([NotFound, Unavailable])
})

/** What happened to the account, and how it went. */
export const SecurityEvent = Schema.Struct({
  id: Schema.String,
  at: Millis,
  /** "signed-in", "password-changed", …: see docs/operations.md. */
  event: Schema.String,
  result: Schema.Literals(["done", "refused"]),
  address: Schema.NullOr(Schema.String),
  device: Schema.NullOr(Schema.String),
  /** Of what: a token's name, a device; never a secret. */
  detail: Schema.NullOr(Schema.String)
})
export type SecurityEvent = typeof SecurityEvent.Type
/** `before` of the page before. */
const EventCursor = Schema.String.check(Schema.isPattern(/^\d{1,18}$/))
/** Newest first, by keyset. */
export const ListActivity = Rpc.make("Activity", {
  payload: { before: Schema.optionalKey(EventCursor) },
  success: Schema.Struct({ events: Schema.Array(SecurityEvent), before: Schema.NullOr(Schema.String) }),
  error: Schema.Union([InvalidRequest, Unavailable])
})

/** What happened to all accounts, for operators: newest first, by keyset. */
export const AuditEvent = Schema.Struct({
  ...SecurityEvent.fields,
  /** The investor's id; "operator"; null: not known, as of a sign-in with an e-mail address nobody has. */
  investor: Schema.NullOr(Schema.String)
})
export type AuditEvent = typeof AuditEvent.Type
export const ReadAudit = Rpc.make("Audit", {
  payload: {
    operator: Schema.String.check(Schema.isMaxLength(200)),
    before: Schema.optionalKey(EventCursor),
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 500 })))
  },
  success: Schema.Struct({ events: Schema.Array(AuditEvent), before: Schema.NullOr(Schema.String) }),
  error: Unavailable
})
  .middleware(OperatorOnly)
  .annotate(Needs, "read")

// ---- what operators do -------------------------------------------------------------------------------------------

const ofAccount = { operator: Schema.String.check(Schema.isMaxLength(200)), email: EmailText }

/** An account as operators see it. */
export const AccountFacts = Schema.Struct({
  id: Schema.String,
  email: Schema.String,
  createdAt: Millis,
  bannedAt: Schema.NullOr(Millis),
  browsers: Schema.Int,
  tokens: Schema.Int
})
export type AccountFacts = typeof AccountFacts.Type

export const FindAccount = Rpc.make("Find", {
  payload: ofAccount,
  success: AccountFacts,
  error: Schema.Union([NotFound, Unavailable])
})
  .middleware(OperatorOnly)
  .annotate(Needs, "read")

/** Banned: browsers are signed out on every node, tokens revoked, and nobody signs in to it until that is taken back. */
export const SetBan = Rpc.make("SetBan", {
  payload: { ...ofAccount, banned: Schema.Boolean },
  success: AccountFacts,
  error: Schema.Union([NotFound, Unavailable])
})
  .middleware(OperatorOnly)
  .annotate(Needs, "read")

/** For who has forgotten theirs: a random one, told this once. Browsers are signed out; tokens stay. */
export const ResetPassword = Rpc.make("ResetPassword", {
  payload: ofAccount,
  success: Schema.Struct({ password: Schema.String }),
  error: Schema.Union([NotFound, Unavailable])
})
  .middleware(OperatorOnly)
  .annotate(Needs, "read")

/** An account for somebody, who signs in with the random password, told this once, and changes it. Nobody is signed in by it. */
export const AddAccount = Rpc.make("Add", {
  payload: ofAccount,
  success: Schema.Struct({ id: Schema.String, email: Schema.String, password: Schema.String }),
  error: Schema.Union([EmailTaken, InvalidRequest, NotAllowed, Unavailable])
})
  .middleware(OperatorOnly)
  .annotate(Needs, "read")

/** All that is kept of the investor, but secrets and their hashes. */
export const AccountExport = Schema.Struct({
  exportedAt: Millis,
  investor: Investor,
  signIns: Schema.Array(SignIn),
  tokens: Schema.Array(ApiToken),
  activity: Schema.Array(SecurityEvent)
})
export type AccountExport = typeof AccountExport.Type
export const ExportAccount = Rpc.make("Export", {
  success: AccountExport,
  error: Schema.Union([LimitExceeded, NotSignedIn, Unavailable])
})

/** The one request that a connection may make before it has said whose it is. Tag on the wire: investors.Authenticate. */
export const IdentityRpcs = RpcGroup.make(Authenticate).prefix("investors.")

/** Tags on the wire: investors.Me, investors.Ticket, … What does not say what it needs, needs "account". */
export const InvestorRpcs = RpcGroup.make(
  GetMe,
  GetTicket,
  ListSignIns,
  EndSignIn,
  SignOutEverywhere,
  ListTokens,
  CreateToken,
  RevokeToken,
  ListActivity,
  ReadAudit,
  FindAccount,
  SetBan,
  ResetPassword,
  AddAccount,
  ExportAccount
)
  .prefix("investors.")
  .middleware(Authorised)
