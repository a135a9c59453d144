/** Encoded columns as values: one evaluator, whoever asks. */
import type { EncodedColumn } from '#registry/manifest.ts'

/** Pieces as they are found, edge after edge. */
export interface Piece {
  /** The piece ends here, inclusive; Infinity for the last. */
  readonly upTo: number
  readonly value: number | null
}

/** A column of pieces; values are rounded to float32, what members are fitted on. Neighbours of one value become one piece. */
export const columnOf = (feature: string, what: string, pieces: readonly Piece[], missing: number | null): EncodedColumn => {
  const kept: Piece[] = []
  for (const { upTo, value } of pieces) {
    const rounded = value === null ? null : Math.fround(value)
    if (kept.length > 0 && kept.at(-1)!.value === rounded) kept.pop()
    kept.push({ upTo, value: rounded })
  }
  return {
    name: `${feature}:${what}`,
    feature,
    edges: kept.slice(0, -1).map(({ upTo }) => upTo),
    pieces: kept.map(({ value }) => value),
    missing: missing === null ? null : Math.fround(missing),
  }
}

/** The column's value of a float32 value of its feature; NaN = missing. */
export const encode = ({ edges, pieces, missing }: EncodedColumn, value: number): number => {
  if (Number.isNaN(value)) return missing ?? Number.NaN
  let piece = 0
  while (piece < edges.length && value > edges[piece]!) piece++
  return pieces[piece] ?? value
}
