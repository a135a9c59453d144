/** Which part of the portfolio a shift is confined to, if any. */
import type { Shift } from './compare-bins.ts'

/** A part of the portfolio with what moved in it, against the part's own past. */
export interface PartShift {
  /** dimension=value */
  readonly segment: string
  readonly n: number
  /** Features that moved beyond the threshold, furthest first. */
  readonly moved: readonly Shift[]
  /** Largest index among all features. */
  readonly largest: number
}

/** Parts that moved less than this are unmoved: the usual bound of "stable". */
const UNMOVED_PSI = 0.1
/** More than noise puts into the largest of some seventy indices of a small part: each expects (bins − 1)/n. */
const noise = (n: number): number => 30 / n

const dimensionOf = (segment: string): string => segment.slice(0, segment.indexOf('='))

/**
 * The one part that moved while every other part of its dimension stayed where it was; of several dimensions the one in which the part moved
 * furthest, then the smaller part (it says more). Undefined where the shift is spread, or no dimension has two parts to compare.
 */
export const locateShift = <Shifted extends PartShift>(parts: readonly Shifted[]): Shifted | undefined => {
  const candidates = parts.filter(({ moved }) => moved.length > 0)
  return candidates
    .filter((candidate) => {
      const others = parts.filter((one) => one !== candidate && dimensionOf(one.segment) === dimensionOf(candidate.segment))
      return others.length > 0 && others.every(({ moved, largest, n }) => moved.length === 0 && largest < UNMOVED_PSI + noise(n))
    })
    .toSorted((a, b) => b.largest - a.largest || a.n - b.n)[0]
}
