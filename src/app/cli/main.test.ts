/** What only a process shows: pipes, signals, exit codes, the launcher. Against a scripted stock RPC server. */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import path from "node:path"
import { Deferred, Effect, Queue } from "effect"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { jsonLines, killAll, launcher, run, start } from "../../../test/support/commandLine.ts"
import { bar, ScriptedMarket, snapshot, update, watching } from "../../../test/support/ScriptedMarket.ts"
import { version } from "../version.ts"

const market = new ScriptedMarket()
const nextWatch = () => Effect.runPromise(Queue.take(market.watches))

let env: Record<string, string> = {}
beforeAll(async () => {
  await market.start()
  env = { LZSTOCK_URL: market.url }
})
afterAll(() => market.stop())
afterEach(killAll)

describe("a process", () => {
  it("a wrong command line: one line on stderr, nothing on stdout, exit code 2", async () => {
    const { code, err, out } = await run(["wacth", "AAPL"])
    expect({ code, out }).toEqual({ code: 2, out: "" })
    expect(err).toBe('lzstock: unknown command "wacth"; did you mean watch? (see lzstock --help)\n')
  })

  it.each(["bash", "zsh", "fish"])("completion for %s names every command", async (shell) => {
    const { code, out } = await run(["--completions", shell])
    expect(code).toBe(0)
    for (const command of ["watch", "quote", "bars", "listings", "status", "replay"]) expect(out).toContain(command)
  })

  it("a reader that leaves early (| head) is no failure", async () => {
    market.pages = Array.from({ length: 40 }, (_, page) =>
      Array.from({ length: 1_000 }, (_, i) => bar(((40 - page) * 1_000 + i) * 60_000))
    )
    const command = start(["bars", "AAPL", "--all"], env)
    await command.until(/\n/)
    command.process.stdout.destroy()
    const { code, err } = await command.ended
    expect({ code, err }).toEqual({ code: 0, err: "lzstock: these prices are SIMULATED\n" })
    market.pages = [[]]
  })
})

describe("watch", () => {
  it("lines in a pipe; ends after --count updates and leaves the stream", async () => {
    const command = start(["watch", "aapl", "--count", "2", "--conflation", "0"], env)
    const opened = await nextWatch()
    expect(opened.request).toMatchObject({ symbols: ["AAPL"], conflation: 0 })
    // one at a time: what a slow reader has not taken yet is folded into one
    opened.say(watching(["AAPL"]), snapshot("AAPL", 1, 7))
    await command.until(/100\.07/)
    opened.say(update("AAPL", 1, 8))
    await command.until(/100\.08/)
    opened.say(update("AAPL", 1, 9))
    const { code, out } = await command.ended
    expect(code).toBe(0)
    const lines = out.trimEnd().split("\n")
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d {2}AAPL +100\.07 +▲ \+0\.57 \+0\.57% .*SIMULATED$/)
    expect(out).not.toContain("\u001b")
    await Effect.runPromise(Deferred.await(opened.left))
  })

  it("one JSON event a line", async () => {
    const command = start(["watch", "AAPL", "--json", "-n", "1"], env)
    const opened = await nextWatch()
    opened.say(watching(["AAPL"]), snapshot("AAPL", 1, 7))
    await command.until(/Snapshot/)
    opened.say(update("AAPL", 1, 8))
    const { out } = await command.ended
    expect(jsonLines(out).map(({ _tag }) => _tag)).toEqual(["Watching", "Snapshot", "Update"])
    expect(jsonLines(out)[2]).toEqual(update("AAPL", 1, 8))
  })

  it("survives the server: reconnects and reports what it missed", async () => {
    const command = start(["watch", "AAPL"], env)
    const first = await nextWatch()
    first.say(watching(["AAPL"]), snapshot("AAPL", 1, 7))
    await command.until(/100\.07/)
    await market.stop()
    await command.until(/connection lost/, "err")
    await market.start()
    const second = await nextWatch()
    expect(second.request.positions).toEqual([{ symbol: "AAPL", epoch: 1, seq: 7 }])
    second.say(watching(["AAPL"], false), snapshot("AAPL", 1, 20))
    await command.until(/connected again after .*, updates missed: 12 of AAPL/, "err")
    await command.until(/100\.20/)
    command.process.kill("SIGINT")
    expect((await command.ended).code).toBe(130)
  })

  it("every symbol refused: exit code 4; one of them: said, and it goes on", async () => {
    const refused = [{ symbol: "NOPE", reason: "unknown-symbol" as const, message: "NOPE is not listed here" }]
    const hopeless = start(["watch", "NOPE"], env)
    ;(await nextWatch()).say({ ...watching([]), refused })
    expect(await hopeless.ended).toEqual({ code: 4, out: "", err: "lzstock: NOPE is not listed here\n" })
    const half = start(["watch", "NOPE", "AAPL", "-n", "1"], env)
    const opened = await nextWatch()
    opened.say({ ...watching(["AAPL"]), refused }, snapshot("AAPL", 1, 7))
    await half.until(/100\.07/)
    opened.say(update("AAPL", 1, 8))
    const { code, err } = await half.ended
    expect({ code, err }).toEqual({ code: 0, err: "lzstock: NOPE is not listed here\n" })
  })

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const)("%s ends it at once with %i, and the server sees it leave", async (signal, expected) => {
    const command = start(["watch", "AAPL", "--json"], env)
    const opened = await nextWatch()
    opened.say(watching(["AAPL"]))
    await command.until(/Watching/)
    command.process.kill(signal)
    expect(await command.ended).toMatchObject({ code: expected, err: "" })
    await Effect.runPromise(Deferred.await(opened.left))
  })
})

/** A Node on this machine that cannot read TypeScript, where there is one. */
const oldNode = (process.env.PATH ?? "")
  .split(path.delimiter)
  .map((folder) => path.join(folder, "node"))
  .filter((file) => existsSync(file))
  .find((file) => Number(/^v(\d+)/.exec(spawnSync(file, ["--version"]).stdout.toString())?.[1]) < 22)
if (oldNode === undefined) console.warn("lzstock on an old Node: not tried, every node on PATH is new enough")

describe("an old Node", () => {
  it.skipIf(oldNode === undefined)(
    "hands over to the one in node_modules, signals and exit codes included",
    async () => {
      expect(await start(["--version"], {}, oldNode).ended).toEqual({ code: 0, out: `lzstock ${version}\n`, err: "" })
      expect((await start(["wacth"], {}, oldNode).ended).code).toBe(2)
      const command = start(["watch", "AAPL", "--json"], env, oldNode)
      const opened = await nextWatch()
      opened.say(watching(["AAPL"]))
      await command.until(/Watching/)
      command.process.kill("SIGTERM")
      expect((await command.ended).code).toBe(143)
      await Effect.runPromise(Deferred.await(opened.left))
    }
  )

  it.skipIf(oldNode === undefined)("killed outright, leaves nobody behind", async () => {
    const command = start(["watch", "AAPL", "--json"], env, oldNode)
    const opened = await nextWatch()
    command.process.kill("SIGKILL")
    await Effect.runPromise(Deferred.await(opened.left))
  })

  it("is what the package's bin starts with", () => {
    expect(existsSync(launcher)).toBe(true)
  })
})
