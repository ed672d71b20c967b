/** Every NATS subject and stream of the data plane, from one prefix: several LZStocks may share a NATS. */

export interface Subjects {
  /** A bus topic of reach "cluster". Symbols may hold dots: always subscribed to exactly, never by wildcard. */
  readonly topic: (name: string) => string
  readonly ticks: (shard: number) => string
  readonly settled: (shard: number) => string
  readonly everySettled: string
  readonly dead: (shard: number) => string
  readonly everyDead: string
  /** Of a type like "investor.signed_up". */
  readonly events: (type: string) => string
  readonly everyEvent: string
  readonly tickStream: string
  readonly deadStream: string
  readonly eventStream: string
}

/** Small letters: a stream is called by the prefix in capitals, and two clusters must not share one. */
const prefixPattern = /^[a-z0-9_-]{1,64}$/
const topicPattern = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
/** Kept by streams, or said about them: no topic may look like one of these. */
const reserved = /^(ticks|settled|dead|events)(\.|$)/

export const subjectsOf = (prefix: string): Subjects => {
  if (!prefixPattern.test(prefix)) {
    throw new Error(`"${prefix}" cannot be a prefix of NATS subjects: 1 to 64 small letters, digits, "-" or "_"`)
  }
  const upper = prefix.toUpperCase()
  return {
    topic: (name) => {
      if (!topicPattern.test(name) || reserved.test(name)) throw new Error(`"${name}" cannot be a topic on NATS`)
      return `${prefix}.${name}`
    },
    ticks: (shard) => `${prefix}.ticks.${shard}`,
    settled: (shard) => `${prefix}.settled.${shard}`,
    everySettled: `${prefix}.settled.*`,
    dead: (shard) => `${prefix}.dead.ticks.${shard}`,
    everyDead: `${prefix}.dead.ticks.*`,
    events: (type) => {
      if (!topicPattern.test(type)) throw new Error(`"${type}" cannot be a type of events on NATS`)
      return `${prefix}.events.${type}`
    },
    everyEvent: `${prefix}.events.>`,
    tickStream: `${upper}_TICKS`,
    deadStream: `${upper}_DEAD`,
    eventStream: `${upper}_EVENTS`
  }
}

/** The shard that a subject like `<prefix>.ticks.7` names; undefined for any other last token. */
export const shardOfSubject = (subject: string, shards: number): number | undefined => {
  const token = subject.slice(subject.lastIndexOf(".") + 1)
  const shard = /^\d{1,4}$/.test(token) ? Number(token) : Number.NaN
  return shard < shards ? shard : undefined
}
