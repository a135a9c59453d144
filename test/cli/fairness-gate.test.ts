import { describe, expect, test } from 'vitest'
import { seededRandom } from '#training/random.ts'
import { fairnessGates, type JudgedApplicants, type JudgedModel } from '../../cli/retrain/fairness-gate.ts'

const LIMITS = { groupMin: 100, outcomesMin: 30, ratioMin: 0.8, opportunityGapMax: 0.1 }
const ROWS = 1_200
const random = seededRandom(11)
const sexes = Array.from({ length: ROWS }, () => (random() < 0.55 ? 'female' : 'male'))
const judged: JudgedApplicants = {
  applicantIds: sexes.map((_, row) => String(row)),
  labels: sexes.map((_, row) => Number(row % 3 === 0)),
  groupsOf: (id: string) => ({ sex: sexes[Number(id)]! }),
  vault: 'whole',
}
/** Men are somewhat riskier. */
const risk = Float64Array.from(sexes, (sex) => (sex === 'male' ? 0.12 : 0) + 0.8 * random())
const model = (probabilities: Float64Array, refer: number): JudgedModel => ({ probabilities, cutOffs: { refer, decline: 0.95 } })
const gateOf = (successor: JudgedModel, champion: JudgedModel) => fairnessGates(judged, successor, champion, LIMITS)[0]

describe('the four-fifths gate', () => {
  test('passes where groups are approved at comparable rates', () => {
    expect(gateOf(model(risk, 0.7), model(risk, 0.7))).toMatchObject({ gate: 'four-fifths-sex', state: 'passed', threshold: 0.8 })
  })

  test('fails a successor that ranks a group lower than its champion did, beyond chance', () => {
    const worse = risk.map((probability, row) => probability + (sexes[row] === 'male' ? 0.12 : 0))
    expect(gateOf(model(worse, 0.4), model(risk, 0.6))).toMatchObject({ state: 'failed' })
  })

  test('shows nothing good where an engine’s own part of the vault knows no more than half of those judged, and fails all the same', () => {
    const knownTo = (known: number, vault: JudgedApplicants['vault']): JudgedApplicants => ({
      ...judged,
      vault,
      groupsOf: (id) => (Number(id) < known ? judged.groupsOf(id) : undefined),
    })
    const stateOf = (of: JudgedApplicants, successor: Float64Array, refer = 0.7) =>
      fairnessGates(of, model(successor, refer), model(risk, 0.7), LIMITS)[0]
    expect(stateOf(knownTo(ROWS / 2, 'own-part'), risk)).toMatchObject({
      state: 'insufficient-evidence',
      detail: expect.stringContaining('knows 600 of 1200 judged applicants'),
    })
    expect(stateOf(knownTo(ROWS / 2, 'whole'), risk)).toMatchObject({ state: 'passed' })
    expect(stateOf(knownTo(ROWS / 2 + 1, 'own-part'), risk)).toMatchObject({ state: 'passed' })
    const worse = risk.map((probability, row) => probability + (sexes[row] === 'male' ? 0.3 : 0))
    expect(stateOf(knownTo(ROWS / 2, 'own-part'), worse, 0.4)).toMatchObject({ state: 'failed' })
  })

  test('does not fail the same ranking for a stricter cut-off, though that alone crosses four fifths', () => {
    const gate = gateOf(model(risk, 0.3), model(risk, 0.7))
    expect(gate?.value).toBeLessThan(0.8)
    expect(gate?.high).toBeLessThan(1)
    expect(gate).toMatchObject({ state: 'passed', detail: expect.stringContaining('1.00 [') })
  })

  test('says that nothing is shown where the ratio crosses four fifths and is no worse than the champion’s beyond chance', () => {
    const other = Float64Array.from(risk, (probability, row) => probability + 0.3 * random() + (sexes[row] === 'male' ? 0.01 : 0))
    expect(gateOf(model(other, 0.45), model(risk, 0.7))).toMatchObject({ state: 'insufficient-evidence' })
  })

  test('has the interval that resampling the applicants has', () => {
    const other = Float64Array.from(risk, (probability) => probability + 0.2 * random())
    const detail = gateOf(model(other, 0.45), model(risk, 0.7))?.detail ?? ''
    const [value, low, high] = (/that is (\S+) \[(\S+), (\S+)\]/.exec(detail) ?? []).slice(1).map(Number) as [number, number, number]
    const own = [...other].map((probability) => Number(probability < 0.45))
    const cutOff = risk.toSorted()[own.reduce((sum, approved) => sum + approved, 0)]!
    const matched = [...risk].map((probability) => Number(probability < cutOff))
    const ratio = (rows: readonly number[], approved: readonly number[]): number => {
      const rate = (sex: string): number => {
        const members = rows.filter((row) => sexes[row] === sex)
        return members.reduce((sum, row) => sum + approved[row]!, 0) / members.length
      }
      return rate('male') / rate('female')
    }
    const all = sexes.map((_, row) => row)
    expect(value).toBeCloseTo(ratio(all, own) / ratio(all, matched), 2)
    const resampled = Array.from({ length: 800 }, () => {
      const rows = all.map(() => Math.floor(random() * ROWS))
      return ratio(rows, own) / ratio(rows, matched)
    }).toSorted((a, b) => a - b)
    expect(low).toBeCloseTo(resampled[20]!, 1)
    expect(high).toBeCloseTo(resampled[779]!, 1)
    expect(high - low).toBeGreaterThan(0.7 * (resampled[779]! - resampled[20]!))
    expect(high - low).toBeLessThan(1.4 * (resampled[779]! - resampled[20]!))
  })
})
