import { describe, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { calibrationGates } from '#training/gates/calibration-gate.ts'
import { discriminationGates } from '#training/gates/discrimination-gate.ts'
import { FeatureParity } from '#training/gates/feature-parity-gate.ts'
import { liveParityGate } from '#training/gates/live-parity-gate.ts'
import { latencyGate } from '#training/gates/latency-gate.ts'
import { seededRandom } from '#training/random.ts'

const ROWS = 4_000
const random = seededRandom(3)
const truth = Float64Array.from({ length: ROWS }, () => 1 / (1 + Math.exp(-(2 * (random() + random() + random()) - 4.4))))
const labels = Uint8Array.from(truth, (probability) => Number(random() < probability))
const noise = Float64Array.from({ length: ROWS }, () => 0.05 + 0.9 * random())
/** As the truth, somewhat blurred. */
const blurred = (by: number): Float64Array => truth.map((p) => Math.min(0.99, Math.max(0.01, p + by * (random() - 0.5))))
const stateOf = (gates: readonly { readonly gate: string; readonly state: string }[], name: string) =>
  gates.find(({ gate }) => gate === name)?.state

describe('discrimination', () => {
  test('passes an equal and a slightly blurred successor, and fails one that is shown to be worse', () => {
    expect(stateOf(discriminationGates(truth, truth, labels), 'auc-non-inferior')).toBe('passed')
    expect(stateOf(discriminationGates(blurred(0.02), truth, labels), 'auc-non-inferior')).toBe('passed')
    expect(stateOf(discriminationGates(blurred(0.8), truth, labels), 'auc-non-inferior')).toBe('failed')
  })
  test('fails a successor no better than chance, though its champion is no better either', () => {
    const gates = discriminationGates(noise, noise, labels)
    expect(gates).toMatchObject([
      { gate: 'auc-above-chance', state: 'failed', threshold: 0.55 },
      { gate: 'auc-non-inferior', state: 'passed' },
    ])
  })
  test('refuses what too few outcomes could show, saying how many are needed', () => {
    const few = discriminationGates(truth.slice(0, 150), truth.slice(0, 150), labels.slice(0, 150))
    expect(few.map(({ state }) => state)).toEqual(['failed', 'failed'])
    expect(few[0]?.detail).toContain('needs 100 matured applications of each outcome')
  })
})

describe('calibration', () => {
  const shifted = (by: number): Float64Array => truth.map((p) => 1 / (1 + Math.exp(-(Math.log(p / (1 - p)) + by))))
  const stretched = (by: number): Float64Array => truth.map((p) => 1 / (1 + Math.exp(-by * Math.log(p / (1 - p)))))
  test('passes honest probabilities', () => {
    expect(calibrationGates(truth, truth, labels).map(({ state }) => state)).toEqual(['passed', 'passed'])
  })
  test('fails probabilities that are too low, and such that are too extreme', () => {
    expect(stateOf(calibrationGates(shifted(-0.6), truth, labels), 'calibration-intercept')).toBe('failed')
    expect(stateOf(calibrationGates(stretched(2), truth, labels), 'calibration-slope')).toBe('failed')
  })
  test('passes what is nearer to the truth than the champion, and fails what is farther, both outside the bounds', () => {
    expect(stateOf(calibrationGates(shifted(-0.4), shifted(-0.8), labels), 'calibration-intercept')).toBe('passed')
    expect(stateOf(calibrationGates(shifted(-0.8), shifted(0.4), labels), 'calibration-intercept')).toBe('failed')
    expect(stateOf(calibrationGates(stretched(1.6), stretched(0.4), labels), 'calibration-slope')).toBe('passed')
    expect(stateOf(calibrationGates(stretched(0.4), stretched(1.6), labels), 'calibration-slope')).toBe('failed')
  })
  test('fails where only one outcome is known', () => {
    expect(calibrationGates(truth.slice(0, 3), truth.slice(0, 3), [0, 0, 0]).map(({ state }) => state)).toEqual(['failed', 'failed'])
  })
})

describe('latency', () => {
  /** A clock that a model moves by its cost. */
  const timed = (microseconds: number, clock: { now: number }) => ({ run: () => void (clock.now += microseconds / 1000) })
  test('measures both models on the same rows and fails one beyond the budget', () => {
    const clock = { now: 0 }
    const gate = (cost: number) => latencyGate(timed(cost, clock), timed(20, clock), new Float32Array(300), 3, () => clock.now)
    expect(gate(40)).toMatchObject({ state: 'passed', detail: expect.stringContaining('champion 20.0 µs') })
    expect(gate(40).value).toBeCloseTo(40, 6)
    expect(gate(250)).toMatchObject({ state: 'failed', threshold: 200 })
  })
})

describe('live parity', () => {
  test('fails above the budget, naming figure and budget; holds within it; shows nothing where nothing was compared', () => {
    expect(liveParityGate({ values: 14_000, mismatches: 7 }, 0.0001)).toMatchObject({
      state: 'failed',
      value: 0.0005,
      threshold: 0.0001,
      detail: expect.stringMatching(/^7 of 14000 live feature values differ.*0\.0005; the budget is 0\.0001$/),
    })
    expect(liveParityGate({ values: 14_000, mismatches: 7 }, 0.0005).state).toBe('passed')
    expect(liveParityGate({ values: 14_000, mismatches: 0 }, 0).state).toBe('passed')
    expect(liveParityGate({ values: 0, mismatches: 0 }, 0).state).toBe('insufficient-evidence')
    expect(liveParityGate(undefined, 0).state).toBe('insufficient-evidence')
  })
})

describe('feature parity', () => {
  const names = creditFeatureSet.features.slice(0, 2).map(({ name }) => name)
  const application = (applicationId: string) => ({ applicationId }) as ApplicationEvent
  test('fails on one bit, naming feature and application; NaN equals NaN and −0 differs from 0', () => {
    const parity = new FeatureParity(
      new Map([
        ['a', Float32Array.of(1, Number.NaN)],
        ['b', Float32Array.of(0, 2)],
      ]),
    )
    parity.see(application('a'), Float32Array.of(1, Number.NaN), names)
    expect(parity.gate().state).toBe('passed')
    parity.see(application('b'), Float32Array.of(-0, 2), names)
    expect(parity.gate()).toMatchObject({ state: 'failed', value: 1, detail: expect.stringContaining(`${names[0]} of b`) })
  })
  test('without a past decision shows nothing', () => {
    expect(new FeatureParity(new Map()).gate().state).toBe('insufficient-evidence')
  })
})
