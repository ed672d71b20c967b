import { describe, expect, it } from "vitest"
import type { AccountState, Answer } from "./answers.ts"
import { unreachable } from "./answers.ts"
import { makeSession } from "./session.ts"

const out: AccountState = { investor: null, mode: "accounts", signUp: "open", minPasswordLength: 12 }
const as = (id: string): AccountState => ({ ...out, investor: { id, email: `${id}@example.org`, createdAt: 1 } })
const ok = (account: AccountState): Answer => ({ ok: true, account })
const refused = (error: string): Answer => ({
  ok: false,
  problem: { error, message: error, field: null, retryAfterMillis: null, limit: null }
})
/** All that follows by itself has happened. */
const settled = async () => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

/** A server that answers when it is told to; by itself with what is the case. */
const rig = (first: Answer) => {
  let answer = first
  let clock = 1_000_000
  const asked: Array<string> = []
  const told: Array<string | null> = []
  const owners: Array<string | null> = []
  const timers: Array<{ readonly millis: number; readonly task: () => void }> = []
  const held: Array<(answer: Answer) => void> = []
  let holds = false
  const session = makeSession({
    post: (path) => {
      asked.push(path)
      return holds ? new Promise((resolve) => held.push(resolve)) : Promise.resolve(answer)
    },
    now: () => clock,
    random: () => 1,
    after: (millis, task) => {
      const timer = { millis, task }
      timers.push(timer)
      return () => {
        const at = timers.indexOf(timer)
        if (at >= 0) timers.splice(at, 1)
      }
    },
    tell: (investor) => told.push(investor),
    onOwner: (investor) => owners.push(investor?.id ?? null)
  })
  return {
    session,
    asked,
    told,
    owners,
    timers,
    held,
    hold: (on: boolean) => {
      holds = on
    },
    says: (next: Answer) => {
      answer = next
    },
    pass: (millis: number) => {
      clock += millis
    },
    fire: async () => {
      timers.shift()?.task()
      await settled()
    }
  }
}

describe("a session", () => {
  it("is asked for, and shows nobody's data before it is known", async () => {
    const { owners, session } = rig(ok(as("a")))
    expect(session.standing()).toEqual({ at: "asking" })
    expect(owners).toEqual([])
    await session.ask()
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "a" }, visit: 1 })
    expect(owners).toEqual(["a"])
  })

  it("asks again, ever more slowly, while there is no answer", async () => {
    const { fire, says, session, timers } = rig(unreachable)
    await session.ask()
    const waits: Array<number> = []
    for (let i = 0; i < 7; i++) {
      expect(session.standing().at).toBe("unreachable")
      waits.push(timers[0]?.millis ?? 0)
      await fire()
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
    says(ok(out))
    await fire()
    expect(session.standing()).toMatchObject({ at: "out", reason: null })
    expect(timers).toEqual([])
  })

  it("waits as long as the server asks for", async () => {
    const { session, timers } = rig({
      ok: false,
      problem: { error: "LimitExceeded", message: "", field: null, retryAfterMillis: 60_000, limit: null }
    })
    await session.ask()
    expect(timers[0]?.millis).toBe(60_000)
  })

  it("of a server without accounts is its one investor's, whatever other tabs say", async () => {
    const { session } = rig(ok({ ...as("local"), mode: "local" }))
    await session.ask()
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "local" } })
    session.heard(null)
    session.hidden()
    expect(session.standing().at).toBe("in")
  })

  it("of such a server is nobody's where it is another machine's", async () => {
    const { owners, session } = rig(ok({ ...out, mode: "local" }))
    await session.ask()
    expect(session.standing()).toEqual({ at: "shut" })
    expect(owners).toEqual([null])
  })

  it("goes to whoever signs in, and other tabs hear of it", async () => {
    const { asked, owners, says, session, told } = rig(ok(out))
    await session.ask()
    says(refused("SignInRefused"))
    expect(await session.signIn("a@example.org", "x")).toMatchObject({ error: "SignInRefused" })
    expect(session.standing().at).toBe("out")
    says(ok(as("a")))
    expect(await session.signIn("a@example.org", "y")).toBe(null)
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "a" } })
    says(ok(out))
    await session.signOut()
    expect(session.standing()).toMatchObject({ at: "out", reason: "left" })
    expect(told).toEqual(["a", null])
    expect(owners).toEqual([null, "a", null])
    expect(asked.at(-1)).toBe("/account/sign-out")
  })

  it("stays when the server could not be told that one leaves", async () => {
    const { says, session } = rig(ok(as("a")))
    await session.ask()
    says(unreachable)
    expect(await session.signOut()).toMatchObject({ error: "Unreachable" })
    expect(session.standing().at).toBe("in")
  })

  it("drops what it shows at once when it is ended, and then asks", async () => {
    const { hold, held, owners, pass, session } = rig(ok(as("a")))
    await session.ask()
    pass(60_000)
    hold(true)
    session.ended()
    expect(session.standing().at).toBe("asking")
    expect(owners.at(-1)).toBe(null)
    held[0]?.(ok(out))
    await settled()
    expect(session.standing()).toMatchObject({ at: "out", reason: "ended" })
  })

  it("says why it was ended where the server does", async () => {
    const { pass, says, session } = rig(ok(as("a")))
    await session.ask()
    pass(60_000)
    says(ok(out))
    session.ended("banned")
    // the answer to something that was still under way
    session.ended()
    await settled()
    expect(session.standing()).toMatchObject({ at: "out", reason: "banned" })
  })

  it("is wanted where nobody had to sign in before", async () => {
    const { pass, says, session } = rig(ok({ ...as("local"), mode: "local" }))
    await session.ask()
    pass(60_000)
    says(ok(out))
    session.ended()
    await settled()
    expect(session.standing()).toMatchObject({ at: "out", reason: "wanted" })
  })

  it("comes back by itself where another tab has a new cookie", async () => {
    const { pass, says, session } = rig(ok(as("a")))
    await session.ask()
    pass(60_000)
    says(ok(out))
    session.ended()
    await settled()
    expect(session.standing().at).toBe("out")
    says(ok(as("a")))
    session.heard("a")
    await settled()
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "a" }, visit: 2 })
  })

  it("says why where the end was asked for", async () => {
    const { pass, says, session } = rig(ok(as("a")))
    await session.ask()
    pass(60_000)
    session.expectEnd("everywhere")
    says(ok(out))
    session.ended()
    await settled()
    expect(session.standing()).toMatchObject({ at: "out", reason: "everywhere" })
  })

  it("takes no end for one while the cookie is being changed", async () => {
    const { held, hold, session } = rig(ok(as("a")))
    await session.ask()
    hold(true)
    const done = session.changePassword("old", "new")
    session.ended()
    expect(session.standing()).toMatchObject({ at: "in", visit: 1 })
    held[0]?.(ok(as("a")))
    expect(await done).toBe(null)
    // a new connection, with the new cookie
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "a" }, visit: 2 })
  })

  it("believes an end that came while a change was refused", async () => {
    const { held, hold, session } = rig(ok(as("a")))
    await session.ask()
    hold(true)
    const done = session.changePassword("old", "new")
    session.ended("signed-out-everywhere")
    held[0]?.(refused("SignInRefused"))
    await done
    expect(session.standing().at).toBe("asking")
    held[1]?.(ok(out))
    await settled()
    expect(session.standing()).toMatchObject({ at: "out", reason: "signed-out-everywhere" })
  })

  it.each([
    [false, "left-elsewhere"],
    [true, "account-deleted"]
  ] as const)(
    "that ends in another tab ends here too, and says whether the account is gone (%s)",
    async (gone, reason) => {
      const { says, session } = rig(ok(as("a")))
      await session.ask()
      says(ok(out))
      session.heard(null, gone)
      await settled()
      expect(session.standing()).toMatchObject({ at: "out", reason })
    }
  )

  it("shows nothing of one investor when another is there", async () => {
    const { owners, says, session } = rig(ok(as("a")))
    await session.ask()
    says(ok(as("b")))
    session.heard("b")
    expect(session.standing().at).toBe("asking")
    await settled()
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "b" }, visit: 2 })
    expect(owners).toEqual(["a", null, "b"])
  })

  it("shows nothing of one investor over the connection of another", async () => {
    const { says, session } = rig(ok(as("a")))
    await session.ask()
    session.connectedAs("a")
    expect(session.standing()).toMatchObject({ at: "in", visit: 1 })
    says(ok(as("b")))
    session.connectedAs("b")
    expect(session.standing().at).toBe("asking")
    await settled()
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "b" }, visit: 2 })
  })

  it("keeps what it shows while it asks again without need", async () => {
    const { says, session } = rig(ok(as("a")))
    await session.ask()
    const before = session.standing()
    await session.ask("ended")
    expect(session.standing()).toMatchObject({ at: "in", visit: 1 })
    says(unreachable)
    await session.ask("ended")
    expect(session.standing()).toMatchObject({ at: "in", visit: 1 })
    expect(before.at).toBe("in")
  })

  it("forgets an answer that was overtaken", async () => {
    const { held, hold, session } = rig(ok(out))
    hold(true)
    const asking = session.ask()
    const signing = session.signIn("a@example.org", "x")
    held[1]?.(ok(as("a")))
    await signing
    held[0]?.(ok(out))
    await asking
    expect(session.standing()).toMatchObject({ at: "in", investor: { id: "a" } })
  })

  it("does not run in circles where the server lets in and throws out", async () => {
    const { fire, session, timers } = rig(ok(as("a")))
    await session.ask()
    session.ended()
    await settled()
    expect(session.standing().at).toBe("in")
    const waits: Array<number> = []
    for (let i = 0; i < 4; i++) {
      session.ended()
      expect(session.standing().at).toBe("unreachable")
      waits.push(timers[0]?.millis ?? 0)
      await fire()
      expect(session.standing().at).toBe("in")
    }
    expect(waits).toEqual([4_000, 8_000, 15_000, 15_000])
  })

  it("is put aside with the page, and asked for again", async () => {
    const { session } = rig(ok(as("a")))
    await session.ask()
    session.hidden()
    expect(session.standing().at).toBe("asking")
    await session.ask()
    expect(session.standing()).toMatchObject({ at: "in", visit: 2 })
  })
})
