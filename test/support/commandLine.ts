/** The `lzstock` command as its users meet it, in a process of its own or in this one: its two streams, its exit code. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import path from "node:path"
import { ConfigProvider, Effect } from "effect"
import { Out } from "../../src/app/cli/Out.ts"
import { runCommandLine } from "../../src/app/cli/run.ts"

export const launcher = path.resolve(import.meta.dirname, "../../src/app/cli/lzstock.mjs")

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Started {
  readonly process: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** Resolves with the match once standard output, or what is named, holds the pattern; rejects when the command ends first. */
  readonly until: (pattern: RegExp, stream?: "out" | "err") => Promise<RegExpExecArray>
}

/** Started and not yet seen to end; `killAll` is for afterEach. */
const running = new Set<ChildProcessWithoutNullStreams>()
export const killAll = (): void => {
  for (const child of running) child.kill("SIGKILL")
}

export const start = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  node = process.execPath
): Started => {
  const child = spawn(node, [launcher, ...args], { env: { ...process.env, ...env } })
  running.add(child)
  const said = { out: "", err: "" }
  const listeners = new Set<() => void>()
  const hear = (stream: "out" | "err") => (chunk: Buffer) => {
    said[stream] += chunk.toString()
    for (const listener of listeners) listener()
  }
  child.stdout.on("data", hear("out"))
  child.stderr.on("data", hear("err"))
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => {
      running.delete(child)
      resolve({ code, ...said })
    })
  })
  return {
    process: child,
    ended,
    until: (pattern, stream = "out") =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(said[stream])
          if (match === null) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        void ended.then(({ code, err, out }) => reject(new Error(`ended with ${code} before ${pattern}: ${out}${err}`)))
        look()
      })
  }
}

export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  start(args, env).ended

/** Objects of lines of JSON. */
export const jsonLines = (text: string): Array<Record<string, unknown>> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** In this process: its exit code, and what it wrote to stdout and stderr; neither is a terminal. */
export const runCaptured = async (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
  const said = { out: "", err: "" }
  const out = Out.of({
    isTerminal: false,
    colours: false,
    columns: () => 80,
    rows: () => 24,
    write: (text) =>
      Effect.sync(() => {
        said.out += text
      }),
    note: (line) =>
      Effect.sync(() => {
        said.err += `${line}\n`
      }),
    closed: Effect.never
  })
  const code = await Effect.runPromise(
    runCommandLine(args).pipe(
      Effect.provideService(Out, out),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
    )
  )
  return { code, ...said }
}
