/** The page somebody wanted to see before they had to sign in. Pure. */

export const SIGN_IN = "/sign-in"
export const SIGN_UP = "/sign-up"
export const FAREWELL = "/goodbye"
export const ACCOUNT = "/account"
const KEY = "then"
const MOST = 500
/** Stands in for the own origin: where an address leads is judged against it. */
const HERE = "http://here.invalid"

/** Pages that are there for whoever is not signed in. */
export const isEntrance = (pathname: string): boolean => [SIGN_IN, SIGN_UP, FAREWELL].includes(pathname)

/** A path of this dashboard with its query and fragment; "/" for everything else, whatever an address says. */
export const safePath = (text: string | null | undefined): string => {
  if (text === null || text === undefined || text.length > MOST || !/^\/(?![/\\])/.test(text)) return "/"
  try {
    const url = new URL(text, HERE)
    return url.origin === HERE && !url.pathname.startsWith("//") && !isEntrance(url.pathname)
      ? url.pathname + url.search + url.hash
      : "/"
  } catch {
    return "/"
  }
}

/** The address of an entrance that leads to `wanted` afterwards. */
export const entrancePath = (entrance: string, wanted: string): string => {
  const path = safePath(wanted)
  return path === "/" ? entrance : `${entrance}?${new URLSearchParams({ [KEY]: path })}`
}

export const wantedOf = (search: string): string => safePath(new URLSearchParams(search).get(KEY))
