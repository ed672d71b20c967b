/** The command's WebSocket: unlike the runtime's own it tells what a server, or what stands before it, said instead of opening one. */
import type { IncomingMessage } from "node:http"
import { Option, Schema } from "effect"
import WebSocket from "ws"
import type { MakeWebSocket } from "../../rpc/client.ts"
import { retryAfterOf, tryAgainIn } from "../../rpc/sessions.ts"

const MOST_CHARACTERS = 4_096

const Refusal = Schema.fromJsonString(
  Schema.Struct({ error: Schema.optionalKey(Schema.String), message: Schema.optionalKey(Schema.String) })
)
const decodeRefusal = Schema.decodeUnknownOption(Refusal)

/** The server's own words, with the wait that it asks for; for what is not ours, the status: "HTTP 502 Bad Gateway". */
export const refusalText = (
  { headers, statusCode, statusMessage }: Pick<IncomingMessage, "headers" | "statusCode" | "statusMessage">,
  body: string
): string => {
  const { error, message } = Option.getOrElse(decodeRefusal(body), (): typeof Refusal.Type => ({}))
  const text = message ?? `HTTP ${statusCode} ${error ?? statusMessage ?? ""}`.trim()
  const seconds = Number(headers["retry-after"] ?? Number.NaN)
  return retryAfterOf(text) !== null || !(seconds > 0) ? text : `${text}: ${tryAgainIn(seconds * 1_000)}`
}

/** Whether a text is that of an answer which is not our server's. */
export const isHttpAnswer = (text: string): boolean => /^HTTP \d{3}\b/.test(text)

const bodyOf = async (response: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const chunk of response) {
    text += String(chunk)
    if (text.length >= MOST_CHARACTERS) break
  }
  return text
}

export const makeWebSocket: MakeWebSocket = (url) => {
  const ws = new WebSocket(url, { perMessageDeflate: false })
  ws.on("unexpected-response", (_, response) => {
    void bodyOf(response)
      .catch(() => "")
      .then((body) => {
        ws.emit("error", new Error(refusalText(response, body)))
        ws.terminate()
      })
  })
  return ws
}
