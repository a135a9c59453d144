/** Has a producer changed the unit of a field? Then all values are multiplied by one factor: the median moves, the shape stays. */
import { jensenShannonDistance } from '../statistics/divergence.ts'
import { BINS_PER_DECADE, coarse, medianDecade, scaled } from './magnitude-histogram.ts'

/** Distance (base 2) of the shapes, once brought to the same median, up to which they count as the same. */
const SAME_SHAPE_MAX = 0.35
/** Least share of the distance that the factor must explain. */
const EXPLAINED_MIN = 0.5

export interface UnitChange {
  /** Shift of the median in powers of ten. */
  readonly decades: number
  /** The factor, rounded to a power of ten where it is near one. */
  readonly factor: number
}

/** Shift of the median from baseline to window in powers of ten; 0 where either has no positive values. */
export const medianShift = (baseline: ArrayLike<number>, window: ArrayLike<number>): number => {
  const before = medianDecade(baseline)
  const after = medianDecade(window)
  return before === undefined || after === undefined ? 0 : after - before
}

const roundedFactor = (decades: number): number => {
  const whole = Math.round(decades)
  return 10 ** (Math.abs(decades - whole) <= 2 / BINS_PER_DECADE ? whole : decades)
}

/** The change, where the median moved by at least `decadesMin` and one factor explains it; undefined otherwise. */
export const unitChange = (baseline: ArrayLike<number>, window: ArrayLike<number>, decadesMin: number): UnitChange | undefined => {
  const decades = medianShift(baseline, window)
  if (Math.abs(decades) < decadesMin) return undefined
  const factor = roundedFactor(decades)
  const apart = jensenShannonDistance(coarse(baseline), coarse(window))
  const together = jensenShannonDistance(coarse(scaled(baseline, Math.round(Math.log10(factor) * BINS_PER_DECADE))), coarse(window))
  return together <= SAME_SHAPE_MAX && together <= apart * (1 - EXPLAINED_MIN) ? { decades, factor } : undefined
}
