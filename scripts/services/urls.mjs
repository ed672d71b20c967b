/** What may be shown of a service's URL. No side effects on import. */

const PIECE = /^([a-z][a-z\d+.-]*:\/\/)?(?:[^/]*@)?((?:[\w.-]*|\[[\da-f:.]+\])(?::\d+)?)((?:\/[\w.%-]*)?)$/i

/**
 * Scheme, hosts and database, e.g. "nats://a:4222,b:4222" or "postgres://h:5432/stocks": users, passwords, tokens and
 * parameters are nobody's business. What cannot be told from a secret is "***".
 * @param {string} url also a list of servers, with commas, with or without a scheme each
 */
export const placeOf = (url) => {
  const [place = ""] = url.split(/[?#]/)
  const pieces = place.split(",").map((piece) => piece.trim())
  const last = pieces.findLastIndex((piece) => piece.includes("@"))
  return pieces
    .map((piece, i) => {
      const [, scheme = "", host = "", database = ""] = PIECE.exec(piece) ?? []
      // without an @ of its own it may be the beginning of a password with a comma in it
      const known = host + database !== "" && (i >= last || piece.includes("@"))
      return known ? scheme + host + database : `${scheme}***`
    })
    .join(",")
}
