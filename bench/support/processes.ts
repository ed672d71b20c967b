/** Child processes that answer questions: servers and generators run beside the bench, each with its own CPU account. */
import { type ChildProcess, fork } from "node:child_process"
import { writeFileSync } from "node:fs"
import { setPriority } from "node:os"
import { fileURLToPath } from "node:url"

/** Questions a child answers, by name; arguments and answers are plain data. */
export type Answers<Q> = { readonly [K in keyof Q]: (question: never) => unknown }
type Question<F> = F extends (question: infer A) => unknown ? A : never
type Answer<F> = F extends (question: never) => infer A ? Awaited<A> : never

interface Asked {
  readonly id: number
  readonly name: string
  readonly question: unknown
}
interface Answered {
  readonly id: number
  readonly answer?: unknown
  readonly error?: string
}

/** In the child: answers until the parent is gone. */
export const answer = <Q extends Answers<Q>>(answers: Q): void => {
  const table = new Map<string, (question: never) => unknown>(Object.entries(answers))
  process.on("message", async (message) => {
    const { id, name, question } = message as Asked
    const reply = (answered: Answered) => process.connected && process.send?.(answered)
    try {
      const found = table.get(name)
      if (found === undefined) throw new Error(`no answer to ${name}`)
      reply({ id, answer: await found(question as never) })
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.on("disconnect", () => process.exit(0))
  process.send?.({ id: 0 } satisfies Answered)
}

/** Niceness of the children; below 0 only for root. For a machine that has other work. */
let priority = 0
export const setChildPriority = (niceness: number): void => {
  priority = niceness
  if (niceness === 0) return
  try {
    // where Linux groups processes by terminal session, niceness counts only inside the group: move the group too
    writeFileSync("/proc/self/autogroup", String(niceness))
  } catch {
    // another system, or no right to: plain niceness it is
  }
}

export interface Child<Q extends Answers<Q>> {
  readonly pid: number
  readonly ask: <K extends keyof Q & string>(name: K, question: Question<Q[K]>) => Promise<Answer<Q[K]>>
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => void
  /** Ends it and waits until it is gone. */
  readonly end: () => Promise<void>
}

/** In the parent: starts `bench/<file>` and waits until it answers. */
export const start = async <Q extends Answers<Q>>(
  file: string,
  options: { readonly args?: ReadonlyArray<string>; readonly node?: ReadonlyArray<string> } = {}
): Promise<Child<Q>> => {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const child: ChildProcess = fork(path, [...(options.args ?? [])], {
    execArgv: [...(options.node ?? [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  if (priority !== 0 && child.pid !== undefined) setPriority(child.pid, priority)
  const open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  const gone = new Promise<void>((done) => child.once("exit", () => done()))
  let nextId = 1
  const ready = new Promise<unknown>((resolve, reject) => open.set(0, { resolve, reject }))
  child.on("message", (message) => {
    const { answer: value, error, id } = message as Answered
    const waiting = open.get(id)
    open.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(`${file}: ${error}`))
  })
  child.once("exit", (code, signal) => {
    for (const { reject } of open.values()) reject(new Error(`${file} ended: ${signal ?? code}`))
  })
  // the bench never leaves a child behind, however it ends
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  await ready
  return {
    pid: child.pid ?? 0,
    ask: (name, question) =>
      new Promise<unknown>((resolve, reject) => {
        const id = nextId++
        open.set(id, { resolve, reject })
        child.send({ id, name, question } satisfies Asked)
      }) as Promise<never>,
    signal: (signal) => void child.kill(signal),
    end: async () => {
      open.clear()
      // a child that is asked to go may still write its CPU profile
      if (child.connected) child.disconnect()
      const late = setTimeout(kill, 5_000)
      await gone
      clearTimeout(late)
      process.off("exit", kill)
    }
  }
}
