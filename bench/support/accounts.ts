/** Investors of a real server, made as people and programs make them: over its public ways. */
import { accountPaths } from "../../src/rpc/investors.ts"
import { PeerSocket } from "./PeerSocket.ts"

export const originOf = (port: number): string => `http://127.0.0.1:${port}`

/** What a browser on the server's own page says at an upgrade. */
export const browserHeaders = (port: number, cookie: string): Readonly<Record<string, string>> => ({
  origin: originOf(port),
  cookie
})

export const requestLine = (id: string, tag: string, payload: unknown): string =>
  `${JSON.stringify({ _tag: "Request", id, tag, payload, headers: [] })}\n`

const postAccount = async (port: number, path: string, body: object): Promise<string> => {
  const response = await fetch(`${originOf(port)}${path}`, {
    method: "POST",
    headers: { origin: originOf(port), "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  const text = await response.text()
  const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";")
  if (!response.ok || cookie === "") throw new Error(`${path}: ${response.status} ${text}`)
  return cookie
}

/** The password of everybody here. */
export const PASSWORD = "correct battery horse"

/** Its cookie, as a browser sends it: `name=value`. */
export const signUp = (port: number, email: string): Promise<string> =>
  postAccount(port, accountPaths.signUp, { email, password: PASSWORD })

interface Answer<A> {
  readonly _tag: string
  readonly exit?: { readonly _tag: string; readonly value?: A }
}

/** One request on a connection of its own, as the page whose cookie this is. `A` is what its success looks like. */
const ask = <A>(port: number, cookie: string, tag: string, payload: unknown): Promise<A> =>
  new Promise((resolve, reject) => {
    let text = ""
    const socket = new PeerSocket(
      port,
      "127.0.0.1",
      {
        onOpen: () => socket.send(requestLine("1", tag, payload)),
        onText: (bytes) => {
          text += bytes.toString("utf8")
          if (!text.endsWith("\n")) return
          const { _tag, exit }: Answer<A> = JSON.parse(text)
          if (_tag === "Exit" && exit?.value !== undefined) resolve(exit.value)
          else reject(new Error(`${tag}: ${text}`))
          socket.close()
        },
        onGone: (code) => reject(new Error(`${tag}: closed with ${code ?? "no code"}`))
      },
      browserHeaders(port, cookie)
    )
  })

/** A new API token of the investor whose cookie this is. */
export const createToken = async (port: number, cookie: string, access: "read" | "write" = "read"): Promise<string> => {
  const created = await ask<{ readonly secret: string }>(port, cookie, "investors.CreateToken", {
    name: "a program",
    access,
    days: 7
  })
  return created.secret
}

export const listedSymbols = async (port: number, cookie: string): Promise<ReadonlyArray<string>> => {
  const page = await ask<{ readonly listings: ReadonlyArray<{ readonly symbol: string }> }>(
    port,
    cookie,
    "market.Listings",
    { limit: 5_000 }
  )
  return page.listings.map(({ symbol }) => symbol)
}

export interface Account {
  readonly cookie: string
  readonly token: string
}

/** So many investors, each with a sign-in and a token. Two at a time: their passwords are hashed. */
export const makeAccounts = async (port: number, count: number): Promise<ReadonlyArray<Account>> => {
  const made: Array<Account> = []
  let next = 0
  const worker = async () => {
    while (next < count) {
      const cookie = await signUp(port, `investor-${next++}@example.com`)
      made.push({ cookie, token: await createToken(port, cookie) })
    }
  }
  await Promise.all([worker(), worker()])
  return made
}
