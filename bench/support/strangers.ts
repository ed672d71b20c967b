/** Strangers (StrangerCrowd.ts) in a process of their own. */
import { answer } from "./processes.ts"
import { type Ends, StrangerCrowd } from "./StrangerCrowd.ts"

let crowd: StrangerCrowd | undefined

const strangers = {
  /** ms until all had been let in, or not. */
  come: async ({ count, port }: { readonly port: number; readonly count: number }): Promise<number> => {
    const started = performance.now()
    crowd = new StrangerCrowd(port)
    await crowd.come(count)
    return performance.now() - started
  },
  open: (_: null): number => crowd?.open ?? 0,
  gone: async (_: null): Promise<{ readonly ends: Ends; readonly answered: number }> => {
    if (crowd === undefined) throw new Error("come first")
    return { ends: await crowd.gone(), answered: crowd.answered }
  }
}
export type StrangersProcess = typeof strangers

answer(strangers)
