/** Reads a preparation from YAML, strictly: what it does not know it refuses, naming file, place and what may stand there. */
import { parseDocument } from 'yaml'
import { nearestNames } from '#schemas/nearest.ts'
import type { NumericStep, Preparation, PreparationStep } from './preparation.ts'

export class PreparationRefused extends Error {
  readonly code = 'preparation-invalid'
}

type Entries = Readonly<Record<string, unknown>>

const KEYS = {
  numeric: ['feature', 'how', 'keep', 'impute', 'indicator', 'clip'],
  'one-hot': ['feature', 'how', 'keep'],
  target: ['feature', 'how', 'keep', 'smoothing'],
  woe: ['feature', 'how', 'keep'],
} as const satisfies Record<PreparationStep['how'], readonly string[]>
const HOWS = Object.keys(KEYS) as PreparationStep['how'][]
const IMPUTES = ['median', 'mean', 'most-frequent'] as const
const BINNINGS = ['merged', 'optimal'] as const

/** @param features names that a step may speak of. */
export const parsePreparation = (source: string, file: string, features: readonly string[]): Preparation => {
  const fail = (where: string, what: string): never => {
    throw new PreparationRefused(`${file}: ${where} ${what}`)
  }
  const entries = (value: unknown, where: string, known: readonly string[]): Entries => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return fail(where, `must be a map with ${known.join(', ')}`)
    for (const key of Object.keys(value))
      if (!known.includes(key)) fail(where, `has no key "${key}"; nearest known: ${nearestNames(key, known).join(', ')}`)
    return value as Entries
  }
  const choice = <Value extends string>(value: unknown, where: string, known: readonly Value[]): Value =>
    known.find((name) => name === value) ?? fail(where, `is ${JSON.stringify(value)}; known: ${known.join(', ')}`)
  const flag = (value: unknown, where: string): boolean =>
    typeof value === 'boolean' ? value : fail(where, `must be true or false, got ${JSON.stringify(value)}`)
  const number = (value: unknown, where: string, least: number, most: number): number =>
    typeof value === 'number' && value >= least && value <= most
      ? value
      : fail(where, `must be a number from ${least} to ${most}, got ${JSON.stringify(value)}`)

  const clipOf = (value: unknown, where: string): NonNullable<NumericStep['clip']> => {
    const pair: readonly unknown[] = Array.isArray(value) ? value : fail(where, 'must be two shares, e.g. [0.005, 0.995]')
    const [low, high] = [number(pair[0], `${where}[0]`, 0, 1), number(pair[1], `${where}[1]`, 0, 1)]
    return low < high && pair.length === 2 ? [low, high] : fail(where, 'must be two shares, the lower one first')
  }
  const numericOf = (step: Entries, where: string): Omit<NumericStep, 'how' | 'feature'> => {
    const { impute, indicator, clip } = step
    if (impute === undefined && indicator === undefined && clip === undefined) fail(where, 'needs impute, indicator or clip')
    return {
      ...(impute === undefined ? {} : { impute: typeof impute === 'number' ? impute : choice(impute, `${where}.impute`, IMPUTES) }),
      ...(indicator === undefined ? {} : { indicator: flag(indicator, `${where}.indicator`) }),
      ...(clip === undefined ? {} : { clip: clipOf(clip, `${where}.clip`) }),
    }
  }
  const stepOf = (value: unknown, index: number): PreparationStep => {
    const where = `trees[${index}]`
    const how = choice((value as Entries | null)?.['how'], `${where}.how`, HOWS)
    const step = entries(value, where, KEYS[how])
    const feature = features.find((name) => name === step['feature'])
    if (feature === undefined)
      return fail(
        `${where}.feature`,
        `is ${JSON.stringify(step['feature'])}, which is no feature; nearest: ${nearestNames(String(step['feature']), features).join(', ')}`,
      )
    const kept = step['keep'] === undefined ? {} : { keep: flag(step['keep'], `${where}.keep`) }
    if (how === 'numeric') return { how, feature, ...kept, ...numericOf(step, where) }
    if (how !== 'target' || step['smoothing'] === undefined) return { how, feature, ...kept }
    return { how, feature, ...kept, smoothing: number(step['smoothing'], `${where}.smoothing`, 0, 1e9) }
  }

  const document = parseDocument(source, { uniqueKeys: true })
  const [error] = document.errors
  if (error) fail('', error.message.split('\n')[0]!)
  const root = entries(document.toJS(), 'preparation', ['trees', 'scorecard'])
  const list: unknown = root['trees'] ?? []
  const steps: readonly unknown[] = Array.isArray(list) ? list : fail('trees', 'must be a list')
  const card = entries(root['scorecard'] ?? {}, 'scorecard', ['binning'])
  return {
    trees: steps.map(stepOf),
    scorecard: { binning: card['binning'] === undefined ? 'merged' : choice(card['binning'], 'scorecard.binning', BINNINGS) },
  }
}
