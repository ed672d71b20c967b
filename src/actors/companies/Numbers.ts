/** Whole numbers of 32 bits, as many as come: four bytes each, where an array of numbers would be objects to the collector. */
export class Numbers {
  #array = new Int32Array(1024)
  length = 0

  /** Returns where it stands. */
  push(value: number): number {
    if (this.length === this.#array.length) {
      const larger = new Int32Array(this.length * 2)
      larger.set(this.#array)
      this.#array = larger
    }
    this.#array[this.length] = value
    return this.length++
  }

  set(index: number, value: number): void {
    this.#array[index] = value
  }

  /** No larger than it must be. */
  done(): Int32Array {
    return this.#array.slice(0, this.length)
  }
}
