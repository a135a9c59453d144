/** Positions of applications waiting for their decision, ascending. Taken from the front nearly always. */
export class Pending {
  #positions: number[]
  #head = 0

  constructor(positions: readonly number[] = []) {
    this.#positions = [...positions]
  }

  get size(): number {
    return this.#positions.length - this.#head
  }

  /** `position` lies above all held. */
  push(position: number): void {
    this.#positions.push(position)
  }

  has(position: number): boolean {
    return this.#indexOf(position) !== undefined
  }

  /** Takes one out, wherever it stands; false where it is not held. */
  remove(position: number): boolean {
    const at = this.#indexOf(position)
    if (at === undefined) return false
    if (at === this.#head) this.#advance()
    else this.#positions.splice(at, 1)
    return true
  }

  /** Takes out and returns those below `position`. */
  takeBelow(position: number): number[] {
    const out: number[] = []
    while (this.size > 0 && (this.#positions[this.#head] as number) < position) {
      out.push(this.#positions[this.#head] as number)
      this.#advance()
    }
    return out
  }

  toArray(): number[] {
    return this.#positions.slice(this.#head)
  }

  #advance(): void {
    this.#head++
    if (this.#head < 1_024 || this.#head * 2 < this.#positions.length) return
    this.#positions = this.#positions.slice(this.#head)
    this.#head = 0
  }

  #indexOf(position: number): number | undefined {
    let low = this.#head
    let high = this.#positions.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#positions[middle] as number
      if (found === position) return middle
      if (found < position) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }
}
