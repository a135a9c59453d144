/** The declared search: what is tried, and how long. */
import type { TreeSettings } from './boosted-trees.ts'
import type { ValidationPlan } from './nested-validation.ts'

const settings = (
  [depth, leaves]: readonly [number, number],
  [rowsPerLeafMin, ridge]: readonly [number, number],
  learningRate: number,
  featureShare: number,
): TreeSettings => ({ depth, leaves, rowsPerLeafMin, ridge, learningRate, featureShare, rowShare: 0.7 })

/** Small on purpose: twenty-four thousand rows do not tell finer settings apart (their log losses differ by less than one standard error). */
const GRID: readonly TreeSettings[] = [
  settings([3, 8], [50, 30], 0.05, 0.5),
  settings([4, 7], [50, 100], 0.05, 0.8),
  settings([4, 12], [50, 30], 0.04, 0.5),
  settings([4, 15], [100, 10], 0.04, 0.3),
  settings([5, 20], [100, 10], 0.03, 0.3),
  settings([5, 24], [50, 30], 0.03, 0.5),
  settings([6, 31], [200, 30], 0.03, 0.3),
  settings([6, 48], [200, 30], 0.02, 0.3),
]

const FULL_PLAN: ValidationPlan = { grid: GRID, folds: 5, iterationsMax: 600, patience: 40 }

/** For trying things out and for tests: same steps, little search. */
const QUICK_PLAN: ValidationPlan = { grid: [settings([4, 12], [20, 10], 0.1, 0.5)], folds: 3, iterationsMax: 60, patience: 10 }

/**
 * For successors trained beside a serving engine: the settings that the full search has chosen before, one simpler and one richer, over four
 * folds. A quarter of the full search's fits.
 */
const SUCCESSOR_PLAN: ValidationPlan = { grid: [GRID[3]!, GRID[4]!, GRID[6]!], folds: 4, iterationsMax: 600, patience: 30 }

export const PLANS = { full: FULL_PLAN, successor: SUCCESSOR_PLAN, quick: QUICK_PLAN } as const satisfies Record<string, ValidationPlan>
export type PlanName = keyof typeof PLANS
