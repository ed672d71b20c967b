/** What no answer may hold (S7). */
const patterns: ReadonlyArray<readonly [name: string, pattern: RegExp]> = [
  ["a stack", /(^|\W)at [^"\n]{0,120}:\d+:\d+/],
  ["a stack", /"stack"/],
  ["a path", /node_modules|file:\/\/|\.[mc]?[jt]s:\d+|\/tmp\/|\/home\/|\/usr\//],
  ["SQL", /\b(select|insert into|update|delete from)\b[^"\n]{0,200}\b(from|values|set|where)\b/i],
  [
    "SQL",
    /SqlError|PgError|sqlstate|syntax error at|violates [a-z -]+ constraint|invalid byte sequence|relation \\?"/i
  ],
  [
    "a failure of ours",
    /InternalError|Maximum call stack|TypeError|RangeError|ReferenceError|is not a function|Cannot read prop/
  ]
]

/** `own`: places on this machine that only the server knows. */
export const makeLeaks =
  (own: ReadonlyArray<string>) =>
  (text: string): string | undefined => {
    for (const [name, pattern] of patterns) if (pattern.test(text)) return name
    return own.some((place) => text.includes(place)) ? "a place on this machine" : undefined
  }
