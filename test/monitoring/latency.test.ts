import { expect, test } from 'vitest'
import { countLatency, latencyState, passMinutes } from '#monitoring/latency/latency-monitor.ts'
import { sampleDecision } from '../schemas/sample-decision.ts'
import { settings } from './watched-stream.ts'

const { latency } = settings()
const { stages } = sampleDecision().envelope
const slow = { ...stages, queueUs: 20_000 }
const MINUTE = 60_000

const run = (minutes: number, badShare: number, state = latencyState(), from = 0) => {
  const verdicts = []
  for (let minute = from; minute < from + minutes; minute++) {
    verdicts.push(...passMinutes(state, minute * MINUTE, latency))
    for (let i = 0; i < 100; i++) countLatency(state, i < badShare * 100 ? slow : stages, latency)
  }
  verdicts.push(...passMinutes(state, (from + minutes) * MINUTE, latency))
  return verdicts
}
const firing = (verdicts: ReturnType<typeof run>) =>
  verdicts
    .at(-1)!
    .alerts.filter((alert) => alert.firing)
    .map(({ minutes }) => minutes)

test('burn rates are the share of bad decisions over the share allowed', () => {
  const verdicts = run(60, 0.04)
  expect(verdicts.at(-1)!.alerts[0]!.burnRate).toBeCloseTo(4, 9)
  expect(verdicts.flatMap(({ rows }) => rows).at(0)).toMatchObject({ total: 500, good: 480, objective: 'decision-latency', target: 0.99 })
})

test('a page comes at 14.4 times the allowed rate, never in good times', () => {
  expect(firing(run(60, 0))).toEqual([])
  expect(firing(run(60, 0.2))).toContain(60)
  expect(firing(run(60, 0.1))).not.toContain(60)
})

test('a page ends soon after the trouble does, by its short window', () => {
  const state = latencyState()
  run(30, 0.5, state)
  expect(firing(run(6, 0, state, 30))).not.toContain(60)
})

test('a burst at the very start pages nobody before the short window was lived through', () => {
  expect(firing(run(3, 1))).toEqual([])
})

test('when it is looked at changes no verdict', () => {
  const often = latencyState()
  const seldom = latencyState()
  const all = []
  for (let second = 0; second < 600; second++) {
    all.push(...passMinutes(often, second * 1_000, latency))
    if (second < 60) countLatency(often, slow, latency)
  }
  passMinutes(seldom, 0, latency)
  for (let i = 0; i < 60; i++) countLatency(seldom, slow, latency)
  expect(passMinutes(seldom, 599_000, latency)).toEqual(all)
})
