/** What a build in steps comes to, without letting others have their turn. */
export const atOnce = <A>(building: Generator<void, A>): A => {
  for (;;) {
    const { done, value } = building.next()
    if (done === true) return value
  }
}
