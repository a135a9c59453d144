/** Texts of short cells seen lately: keys are asked for again and again within a row, categories row after row. */

const SLOTS = 1_024
/** Longer cells are prose, which does not repeat. */
const CELL_BYTES_MAX = 32

export class CellTexts {
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => '')

  /** The text of `bytes[from .. to)`; undefined where it is long or not ASCII. */
  of(bytes: Buffer, from: number, to: number): string | undefined {
    const length = to - from
    if (length > CELL_BYTES_MAX) return undefined
    let hash = length
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!
      if (byte > 127) return undefined
      hash = Math.imul(hash ^ byte, 0x0100_0193)
    }
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const held = this.#texts[slot]!
    if (held.length === length) {
      let at = 0
      while (at < length && held.charCodeAt(at) === bytes[from + at]) at++
      if (at === length) return held
    }
    return (this.#texts[slot] = bytes.toString('latin1', from, to))
  }
}
