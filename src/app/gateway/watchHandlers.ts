/** Handlers of the two RPCs that belong to a session's streams. The quotes themselves never pass here. */
import { Effect } from "effect"
import type { Rpc } from "effect/rpc"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { Watching, type WatchRequest } from "../../actors/sessions/Watching.ts"

interface Caller {
  readonly client: Rpc.ServerClient
  readonly requestId: string | number
}

export const makeWatchHandlers = Effect.gen(function* () {
  const sessions = yield* SessionActors
  const watching = yield* Watching

  const sessionOf = (clientId: number) =>
    Effect.suspend(() => {
      const session = sessions.get(clientId)
      // a request that was still queued when its session ended
      return session === undefined ? Effect.interrupt : Effect.succeed(session)
    })

  return {
    sessionOf,
    // stays silent, in one fiber: WatchStream writes the chunks to the session's socket under this request's id.
    // An Effect that would yield a queue, and never does: a Stream that says as little costs several KB a session.
    watch: (request: WatchRequest, { client, requestId }: Caller) =>
      sessionOf(client.id).pipe(
        Effect.flatMap((session) => watching.open(session, requestId, request)),
        Effect.andThen(Effect.never)
      ),
    setWatched: (request: Omit<WatchRequest, "conflation"> & Partial<WatchRequest>, { client }: Caller) =>
      Effect.flatMap(sessionOf(client.id), (session) => watching.set(session, request))
  }
})
