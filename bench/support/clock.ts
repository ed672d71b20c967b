/** Microseconds on the machine's monotonic clock: the same origin in every process, so that one may send and another receive. */
const origin = Number(process.hrtime.bigint()) / 1_000 - performance.now() * 1_000

export const microsNow = (): number => origin + performance.now() * 1_000

export const pause = (millis: number): Promise<void> => new Promise((done) => setTimeout(done, millis))
