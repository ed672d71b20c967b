/**
 * One database session for many wire-protocol connections. Comes from: PgliteWorker, bytes as @effect/sql-pg writes them.
 * Goes to: PGlite, which has exactly one session.
 *
 * Connections take turns: a turn is everything up to Sync or Query, and a connection within a transaction keeps the session
 * until the server says that it is idle. What a session remembers (SET, LISTEN, prepared names) is therefore shared.
 */

const SYNC = 0x53
const QUERY = 0x51
const TERMINATE = 0x58
const NOTIFICATION = 0x41
const READY = 0x5a
const IDLE = 0x49
const SSL_REQUEST = 80_877_103
const CANCEL_REQUEST = 80_877_102

const nothing = Buffer.alloc(0)

type Bytes = Uint8Array<ArrayBuffer>

/** Where a connection's answers go. */
export interface Replies {
  readonly send: (bytes: Bytes) => void
  /** Nothing more comes. */
  readonly end: () => void
}

export interface VirtualConnection {
  readonly receive: (bytes: Uint8Array) => void
  /** The client has gone: its transaction, if it has one, is rolled back. */
  readonly close: () => void
}

interface Client {
  readonly replies: Replies
  open: boolean
  started: boolean
  /** Bytes of a message that is not whole yet. */
  rest: Buffer
  /** Whole messages of a turn that is not. */
  messages: Array<Buffer>
}

interface Turn {
  readonly client: Client
  readonly bytes: Buffer
}

export class PgliteSession {
  readonly #execute: (bytes: Uint8Array) => Promise<Buffer>
  readonly #failed: (error: unknown) => void
  readonly #clients = new Set<Client>()
  #turns: Array<Turn> = []
  #inTransaction: Client | undefined
  #running: Promise<void> | undefined
  /** Turns taken so far. */
  turns = 0

  /**
   * `execute` runs one turn and gives the whole answer; if it throws, the session is in no known state any more and `failed`
   * is told, once.
   */
  constructor(execute: (bytes: Uint8Array) => Promise<Buffer>, failed: (error: unknown) => void) {
    this.#execute = execute
    this.#failed = failed
  }

  /** No transaction is open and nothing waits. */
  get idle(): boolean {
    return this.#running === undefined && this.#inTransaction === undefined
  }

  connect(replies: Replies): VirtualConnection {
    const client: Client = { replies, open: true, started: false, rest: nothing, messages: [] }
    this.#clients.add(client)
    return {
      receive: (bytes) => this.#receive(client, bytes),
      close: () => this.#close(client)
    }
  }

  /** Runs a statement of the house's own between turns, where the answer does not matter. */
  perform(sql: string): void {
    const replies: Replies = { send: () => undefined, end: () => undefined }
    this.#enqueue({ client: { replies, open: true, started: true, rest: nothing, messages: [] }, bytes: query(sql) })
  }

  /** Ends every connection and rolls back; resolves when no turn is under way. */
  async close(): Promise<void> {
    for (const client of [...this.#clients]) {
      client.replies.end()
      this.#close(client)
    }
    await this.#running
  }

  #receive(client: Client, bytes: Uint8Array): void {
    if (!client.open) return
    client.rest = client.rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([client.rest, bytes])
    for (let message = this.#next(client); message !== undefined; message = this.#next(client)) {
      const type = message[0]
      if (type === TERMINATE) {
        this.#close(client)
        return
      }
      client.messages.push(message)
      if (type === SYNC || type === QUERY) {
        this.#enqueue({ client, bytes: Buffer.concat(client.messages) })
        client.messages = []
      }
    }
  }

  /** The next whole message; start-up and the requests before it are dealt with here. */
  #next(client: Client): Buffer | undefined {
    while (!client.started) {
      if (client.rest.length < 8) return undefined
      const length = client.rest.readInt32BE(0)
      if (client.rest.length < length) return undefined
      const code = client.rest.readInt32BE(4)
      const message = client.rest.subarray(0, length)
      client.rest = client.rest.subarray(length)
      if (code === SSL_REQUEST) {
        client.replies.send(Uint8Array.of(0x4e))
      } else if (code === CANCEL_REQUEST) {
        // a turn cannot be interrupted: by the time this is read it is over
        client.replies.end()
        this.#close(client)
        return undefined
      } else {
        client.started = true
        this.#enqueue({ client, bytes: message })
      }
    }
    if (client.rest.length < 5) return undefined
    const length = client.rest.readInt32BE(1) + 1
    if (client.rest.length < length) return undefined
    const message = client.rest.subarray(0, length)
    client.rest = client.rest.subarray(length)
    return message
  }

  #enqueue(turn: Turn): void {
    this.#turns.push(turn)
    this.#start()
  }

  #start(): void {
    this.#running ??= this.#run()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#running = undefined
      })
  }

  async #run(): Promise<void> {
    // what else this event brings is queued before the first turn
    await Promise.resolve()
    for (;;) {
      const owner = this.#inTransaction
      if (owner !== undefined && !owner.open) {
        await this.#execute(query("ROLLBACK"))
        this.#inTransaction = undefined
        continue
      }
      const at = owner === undefined ? 0 : this.#turns.findIndex((turn) => turn.client === owner)
      const turn = this.#turns[at]
      if (turn === undefined) return
      this.#turns.splice(at, 1)
      this.turns++
      const answer = await this.#execute(turn.bytes)
      this.#inTransaction = this.#deliver(turn.client, answer) === IDLE ? undefined : turn.client
    }
  }

  /** Notifications are for every connection, the rest is the client's. Returns the last transaction status. */
  #deliver(client: Client, answer: Buffer): number {
    let status = IDLE
    let start = 0
    let at = 0
    for (; at + 5 <= answer.length; at += answer.readInt32BE(at + 1) + 1) {
      if (answer[at] === READY) status = answer[at + 5] ?? IDLE
      if (answer[at] !== NOTIFICATION) continue
      if (at > start) client.replies.send(copyOf(answer, start, at))
      start = at + answer.readInt32BE(at + 1) + 1
      for (const each of this.#clients) if (each.started) each.replies.send(copyOf(answer, at, start))
    }
    if (start < answer.length) client.replies.send(copyOf(answer, start, answer.length))
    return status
  }

  #close(client: Client): void {
    if (!client.open) return
    client.open = false
    this.#clients.delete(client)
    this.#turns = this.#turns.filter((turn) => turn.client !== client)
    if (this.#inTransaction === client) this.#start()
  }
}

/** Bytes that may be given away to another thread. */
const copyOf = (bytes: Buffer, start: number, end: number): Bytes => new Uint8Array(bytes.subarray(start, end))

/** A simple query as a client would write it. */
const query = (sql: string): Buffer => {
  const text = Buffer.from(`${sql}\0`)
  const head = Buffer.alloc(5)
  head[0] = QUERY
  head.writeInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}
