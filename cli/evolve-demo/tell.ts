/** The demo's figures in words. */
import type { Certificate } from '#streams/evolution/certificate.ts'
import { thousands } from '../progress.ts'
import type { Gaps, SeenDecision } from './decisions-seen.ts'

/** Part of the demo in which one model decided. */
export interface Chapter {
  readonly title: string
  readonly modelVersion: string
  readonly decisions: readonly SeenDecision[]
}

/** One cut-over: what was compared, and what those who applied meanwhile felt of it. */
export interface Change {
  readonly certificate: Certificate
  /** From the move of the alias to the cut-over. */
  readonly tookMs: number
  readonly gaps: Gaps
  readonly waitMs: number
  /** The same in as long a time before the alias moved. */
  readonly usual: Gaps & { readonly waitMs: number }
}

const quantile = (sorted: readonly number[], share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN

const chapterRow = ({ title, modelVersion, decisions }: Chapter): string => {
  const seconds = ((decisions.at(-1)?.at ?? 0) - (decisions[0]?.at ?? 0)) / 1000
  const waits = decisions.map(({ waitMs }) => waitMs).toSorted((a, b) => a - b)
  const rate = seconds > 0 ? (decisions.length / seconds).toFixed(0) : '–'
  const ms = (share: number): string => quantile(waits, share).toFixed(1)
  return `${title.padEnd(32)}${modelVersion.padEnd(22)}${thousands(decisions.length).padStart(10)}${rate.padStart(8)}${ms(0.5).padStart(10)}${ms(0.99).padStart(10)}`
}

/** One row a chapter. */
export const chapterTable = (chapters: readonly Chapter[]): string => {
  const head = `${''.padEnd(32)}${'model'.padEnd(22)}${'decisions'.padStart(10)}${'a s'.padStart(8)}${'p50 ms'.padStart(10)}${'p99 ms'.padStart(10)}`
  return [head, ...chapters.map(chapterRow)].join('\n')
}

export const comparedText = ({ values, vectors, applicants, decisions, linkedStates, differences }: Certificate): string =>
  `compared ${thousands(values)} values: ${thousands(vectors)} vectors of ${thousands(applicants)} applicants, ${thousands(decisions)} past decisions, ${thousands(linkedStates)} linked entities; ${differences} differences`

/** The pause in one sentence, beside what is usual. */
export const pauseText = ({ gaps, waitMs, usual }: Change): string =>
  `the pause: ${gaps.anyMs} ms without a decision (usual longest: ${usual.anyMs} ms); ${gaps.partitionMs} ms in partition ${gaps.partition ?? '–'} (usual longest of any: ${usual.partitionMs} ms); the longest wait of an application was ${waitMs.toFixed(0)} ms (usual: ${usual.waitMs.toFixed(0)} ms)`
