/** Discrimination and calibration from counts of outcomes by probability. Pure; definitions as in any text on classification. */
import { type Interval, wilson } from '../parts/interval.ts'

/** Matured decisions whose probability of bad falls into one narrow bin. */
export interface ProbabilityBin {
  /** Bins are numbered by probability, ascending. */
  readonly bin: number
  readonly n: number
  readonly bad: number
  /** Sum of the probabilities. */
  readonly expected: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** False-positive rate against true-positive rate, from the strictest threshold to none; ties within a bin make one segment. */
export const rocOf = (bins: readonly ProbabilityBin[]): readonly Point[] => {
  const positives = bins.reduce((sum, { bad }) => sum + bad, 0)
  const negatives = bins.reduce((sum, { n, bad }) => sum + n - bad, 0)
  if (positives === 0 || negatives === 0) return []
  let [hits, alarms] = [0, 0]
  const points = bins
    .toSorted((a, b) => b.bin - a.bin)
    .map(({ n, bad }) => {
      hits += bad
      alarms += n - bad
      return { x: alarms / negatives, y: hits / positives }
    })
  return [{ x: 0, y: 0 }, ...points]
}

/** Area under a curve by trapezes. Of a ROC curve: the probability that a bad one was given the higher probability, ties counted half. */
export const areaUnder = (points: readonly Point[]): number =>
  points.slice(1).reduce((area, { x, y }, i) => {
    const before = points[i] as Point
    return area + ((x - before.x) * (y + before.y)) / 2
  }, 0)

/** Recall against precision, from the strictest threshold on. */
export const precisionRecallOf = (bins: readonly ProbabilityBin[]): readonly Point[] => {
  const positives = bins.reduce((sum, { bad }) => sum + bad, 0)
  if (positives === 0) return []
  let [hits, flagged] = [0, 0]
  return bins
    .toSorted((a, b) => b.bin - a.bin)
    .map(({ n, bad }) => {
      hits += bad
      flagged += n
      return { x: hits / positives, y: hits / flagged }
    })
}

export interface CalibrationGroup {
  readonly n: number
  /** Mean probability. */
  readonly expected: number
  /** Share of bad. */
  readonly observed: number
  readonly interval: Interval
}

/** Groups of about equal size, by probability. */
export const calibrationOf = (bins: readonly ProbabilityBin[], groups = 10): readonly CalibrationGroup[] => {
  const all = bins.reduce((sum, { n }) => sum + n, 0)
  const out: CalibrationGroup[] = []
  let [n, bad, expected, passed] = [0, 0, 0, 0]
  const close = (): void => {
    const interval = wilson(bad, n)
    if (interval !== null) out.push({ n, expected: expected / n, observed: bad / n, interval })
    ;[n, bad, expected] = [0, 0, 0]
  }
  for (const bin of bins.toSorted((a, b) => a.bin - b.bin)) {
    n += bin.n
    bad += bin.bad
    expected += bin.expected
    passed += bin.n
    if (passed >= ((out.length + 1) * all) / groups) close()
  }
  close()
  return out
}
