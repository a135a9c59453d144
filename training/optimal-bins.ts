/** Monotone bins of the most information value there is, by dynamic programming over the fine bins. */
import { informationTerm } from './weight-of-evidence.ts'

export interface Counts {
  readonly goods: number
  readonly bads: number
}

export interface BinLimits {
  /** Least rows of a bin. */
  readonly rowsMin: number
  /** Least goods and least bads of a bin. */
  readonly outcomesMin: number
  readonly binsMax: number
}

/** Fine bins `from … to`, both inclusive, as one. */
interface Segment extends Counts {
  readonly from: number
  readonly to: number
}

interface Partial {
  readonly information: number
  readonly last: Segment
  readonly before: Partial | null
}

const badRate = ({ goods, bads }: Counts): number => bads / (goods + bads)

const segmentsOf = (fine: readonly Counts[], { rowsMin, outcomesMin }: BinLimits): Segment[][] =>
  fine.map((_, to) => {
    const ending: Segment[] = []
    let [goods, bads] = [0, 0]
    for (let from = to; from >= 0; from--) {
      goods += fine[from]!.goods
      bads += fine[from]!.bads
      if (goods + bads >= rowsMin && goods >= outcomesMin && bads >= outcomesMin) ending.push({ from, to, goods, bads })
    }
    return ending
  })

/**
 * Last fine bin of each bin of the partition with the greatest information value among those whose bad rate strictly rises (`direction` 1) or falls
 * (−1) and that keep the limits; null where there is none. best(k, s) = IV(s) + max over predecessors p of best(k − 1, p), s and p neighbours: a
 * segment's own bad rate is all that what follows must know. O(binsMax · n³) for n fine bins. @param all goods and bads that shares are of.
 */
export const optimalBins = (fine: readonly Counts[], all: Counts, direction: 1 | -1, limits: BinLimits): number[] | null => {
  const segments = segmentsOf(fine, limits)
  const worth = (segment: Segment): number => informationTerm(segment.goods / all.goods, segment.bads / all.bads)
  const better = (a: Partial | null, b: Partial): Partial => (a === null || b.information > a.information ? b : a)
  let best: Partial | null = null
  let previous: Partial[][] = []
  for (let bins = 1; bins <= limits.binsMax; bins++) {
    const found = segments.map((ending) =>
      ending.flatMap((last): Partial[] => {
        if (bins === 1) return last.from === 0 ? [{ information: worth(last), last, before: null }] : []
        const rate = badRate(last)
        let before: Partial | null = null
        for (const candidate of previous[last.from - 1] ?? [])
          if (direction * (rate - badRate(candidate.last)) > 0) before = better(before, candidate)
        return before === null ? [] : [{ information: before.information + worth(last), last, before }]
      }),
    )
    for (const whole of found.at(-1) ?? []) best = better(best, whole)
    previous = found
  }
  if (best === null) return null
  const ends: number[] = []
  for (let at: Partial | null = best; at !== null; at = at.before) ends.unshift(at.last.to)
  return ends
}
