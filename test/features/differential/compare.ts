/** When two executions of one definition agree. */
import { isPaned } from '#features/language/feature.ts'
import type { Definition } from '#features/language/feature.ts'

/** Exact: integers by construction. */
const COUNTS = ['count', 'longest-streak', 'current-streak']
/** Partial results that estimate; everything else, and these over held events, is exact to rounding. */
const SKETCHES = ['distinct', 'top-share', 'quantile']

const algorithmOf = (definition: Definition): string =>
  definition.kind === 'aggregate' ? (definition.how.algorithm?.name ?? definition.how.name) : definition.kind

const sketchAgrees = (definition: Definition, ours: number, theirs: number): boolean => {
  if (Number.isNaN(theirs)) return Number.isNaN(ours)
  switch (algorithmOf(definition)) {
    // 5 standard errors at the lower precision used; exact while few.
    case 'distinct':
      return theirs <= 16 ? ours === theirs : Math.abs(ours - theirs) <= 5 * 0.13 * theirs
    case 'top-share':
      return ours >= theirs - 1e-12 && ours <= 1
    // What lies below a thousandth of the greatest reads as that; `accumulators.test.ts` holds the sketch to it.
    default:
      return theirs <= 0 ? ours === 0 : ours >= 0.98 * theirs - 1e-9
  }
}

/** Relative tolerance of what is summed in floating point. */
const TOLERANCE = 1e-9

export const agrees = (definition: Definition, ours: number, theirs: number): boolean => {
  const algorithm = algorithmOf(definition)
  if (definition.kind === 'aggregate' && isPaned(definition) && SKETCHES.includes(algorithm)) return sketchAgrees(definition, ours, theirs)
  if (Number.isNaN(theirs) || Number.isNaN(ours)) return Number.isNaN(theirs) && Number.isNaN(ours)
  if (ours === theirs) return true
  if (COUNTS.includes(algorithm)) return false
  return Math.abs(ours - theirs) <= TOLERANCE * Math.max(Math.abs(ours), Math.abs(theirs), 1)
}
