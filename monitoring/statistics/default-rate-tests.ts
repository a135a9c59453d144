/** Is a band's observed default rate compatible with the probability of bad that was promised for it? One-sided: alarms at too many bads. */
import { incompleteBeta } from './incomplete-beta.ts'

/** P(X ≥ `bads`) for `n` independent borrowers with probability `promised`: the binomial test (Basel Committee, Working Paper 14, 2005). */
export const binomialTestPValue = (bads: number, n: number, promised: number): number =>
  bads === 0 ? 1 : incompleteBeta(bads, n - bads + 1, promised)

/**
 * Jeffreys test: probability, given the outcomes and Jeffreys' prior, that the true rate is at most `promised` (European Central Bank,
 * "Instructions for reporting the validation results of internal models", 2019, §2.5.3.1).
 */
export const jeffreysTestPValue = (bads: number, n: number, promised: number): number =>
  incompleteBeta(bads + 0.5, n - bads + 0.5, promised)
