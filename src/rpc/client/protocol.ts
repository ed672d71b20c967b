/**
 * Effect RPC over the connection: requests and answers through RpcClient and its schemas; the chunks of streams past it,
 * straight to whoever asked (ChunkSink), because schema decoding costs ten times the rest. No acknowledgement of chunks:
 * the server's flow control is the bytes in flight.
 */
import { Context, Effect, Schema, type Scope } from "effect"
import { RpcClient, RpcClientError, type RpcMessage } from "effect/rpc"
import type { Connection, Conversation } from "./connection.ts"

/** Where the chunks of a stream go: put into the context of the stream's request. Called synchronously. */
export class ChunkSink extends Context.Service<
  ChunkSink,
  {
    readonly onChunk: (values: ReadonlyArray<unknown>) => void
    readonly onLost: (reason: string, code: number | null) => void
  }
>()("lzstock/client/ChunkSink") {}

/** UTF-16 units; the longest honest line is a page of 5,000 bars. */
const MAX_LINE_LENGTH = 16 * 1024 * 1024

type FromServer = RpcMessage.FromServerEncoded

const notConnected = (reason: string) =>
  new RpcClientError.RpcClientError({
    reason: new RpcClientError.RpcClientDefect({ message: reason, cause: reason })
  })

const isFromServer = (value: unknown): value is FromServer =>
  typeof value === "object" && value !== null && "_tag" in value && typeof value._tag === "string"

export const makeProtocol = (
  connect: (conversation: Conversation) => Effect.Effect<Connection, never, Scope.Scope>
): Effect.Effect<
  { readonly protocol: RpcClient.Protocol["Service"]; readonly connection: Connection },
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const sinks = new Map<string | number, ChunkSink["Service"]>()
    const run = Effect.runForkWith(yield* Effect.context())
    let deliver: (message: FromServer) => void = () => {}
    let rest = ""

    const onLine = (line: string) => {
      if (line === "") return
      const message: unknown = JSON.parse(line)
      if (!isFromServer(message)) throw new TypeError("not a message of Effect RPC")
      switch (message._tag) {
        case "Chunk":
          return sinks.get(message.requestId)?.onChunk(message.values)
        case "Exit":
          sinks.delete(message.requestId)
          return deliver(message)
        case "Defect":
          sinks.clear()
          return deliver(message)
        default:
          return
      }
    }

    const connection = yield* connect({
      onMessage: (text) => {
        let start = 0
        const lines = rest === "" ? text : rest + text
        for (let end = lines.indexOf("\n"); end !== -1; end = lines.indexOf("\n", start)) {
          onLine(lines.slice(start, end))
          start = end + 1
        }
        rest = start === lines.length ? "" : lines.slice(start)
        if (rest.length > MAX_LINE_LENGTH) throw new RangeError("a line without an end")
      },
      onLost: (reason, code) => {
        rest = ""
        const open = Array.from(sinks.values())
        sinks.clear()
        for (const sink of open) sink.onLost(reason, code)
        deliver({ _tag: "ClientProtocolError", error: notConnected(reason) })
      }
    })

    const protocol = yield* RpcClient.Protocol.make((write, clientIds) => {
      deliver = (message) => {
        for (const id of clientIds) run(write(id, message))
      }
      return Effect.succeed({
        send: (_clientId, request) =>
          Effect.flatMap(Effect.serviceOption(ChunkSink), (sink) => {
            if (request._tag === "Interrupt") sinks.delete(request.requestId)
            if (!connection.send(`${JSON.stringify(request)}\n`)) return Effect.fail(notConnected("not connected"))
            if (request._tag === "Request" && sink._tag === "Some") sinks.set(request.id, sink.value)
            return Effect.void
          }),
        supportsAck: false,
        supportsTransferables: false,
        codecFor: Schema.toCodecJson
      })
    })
    return { protocol, connection }
  })
