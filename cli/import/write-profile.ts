/** `--profile`: what the files hold, as an HTML report. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { occupiedBins, populationStability, populationStabilityPValue } from '#monitoring/statistics/population-stability.ts'
import type { Mapping } from '#streams/import/mapping/mapping-schema.ts'
import { planFiles } from '#streams/import/plan-files.ts'
import { profileFiles } from '#streams/import/profile/profile-files.ts'
import { profileReport, type Stability } from '#streams/import/profile/report.ts'
import { type OptionValues, text } from '../command.ts'
import { CommandError, EXIT } from '../exit.ts'
import { progressLine } from '../progress.ts'

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

const stability: Stability = (reference, found) => {
  const psi = populationStability(reference, found)
  return { psi, pValue: populationStabilityPValue(psi, occupiedBins(reference, found), sum(found), sum(reference)) }
}

/** Writes the report that the options ask for; nothing where they ask for none. */
export const writeProfile = async (options: OptionValues, mapping: Mapping, given: readonly string[]): Promise<void> => {
  const [out, reference] = [text(options, 'profile'), text(options, 'reference')]
  if (reference !== undefined && out === undefined)
    throw new CommandError('usage', '--reference is what --profile compares with: name a file for the report with --profile', EXIT.usage)
  if (out === undefined) return
  const line = progressLine('profile', () => performance.now())
  const show = (fraction: number): void => line.update(Math.min(999, Math.floor(fraction * 1000)), 1000, '‰')
  const profiles = await profileFiles(mapping, planFiles(mapping, given), show)
  const references = reference === undefined ? new Map<string, never>() : await profileFiles(mapping, planFiles(mapping, [reference]), show)
  line.clear()
  writeFileSync(resolve(out), profileReport({ mapping, profiles, references, stability }))
  process.stderr.write(`profile written to ${resolve(out)}\n`)
}
