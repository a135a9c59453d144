import { deserialize, serialize } from 'node:v8'
import { describe, expect, test } from 'vitest'
import { isMuted, type NewAlert } from '#monitoring/triggers/alert-book.ts'
import type { Alert, AlertVerdict } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import type { MonitorState } from '#monitoring/monitor.ts'
import { type Disturbance, MODEL, settings, START, WatchedStream } from './watched-stream.ts'

const shiftAll: Disturbance = (applicant) => {
  for (let i = 0; i < applicant.values.length; i++) applicant.values[i]! += 0.8
  applicant.score -= 16
}
const shiftMobile: Disturbance = (applicant) => {
  if (applicant.channel === 'mobile') applicant.values[1]! += 1.5
}
const hundredfold: Disturbance = (applicant) => {
  if (applicant.producer === 'bank-b') {
    applicant.paid *= 100
    applicant.values[0]! += 3
  }
}

/** The same of bank-b's, in both channels; its applicants are not told by their producer. */
const unitEverywhere: Disturbance = (applicant) => {
  if (applicant.producer !== 'bank-b') return
  applicant.paid *= 100
  applicant.values[0]! += 8
}

/** Worse ranking than at the fit, seen in decisions from an event time on. */
const fall = (windowStart: number, raisedAt: number): NewAlert => ({
  kind: 'performance',
  cause: 'discrimination',
  severity: 'ticket',
  raisedAt: epochMs(raisedAt),
  windowStart: epochMs(windowStart),
  windowEnd: epochMs(windowStart + 1),
  subject: MODEL,
  producer: null,
  eventKind: null,
  field: null,
  modelVersion: MODEL,
  segment: null,
  features: [],
  metric: 'auc',
  value: 0.6,
  threshold: 0.7,
  pValue: null,
  n: 1_000,
  blocksRetraining: false,
  detail: 'AUC 0.6',
})

describe('an undisturbed stream', () => {
  test('raises nothing in 40,000 decisions', () => {
    const stream = new WatchedStream(1)
    stream.send(40_000)
    expect(stream.alerts).toEqual([])
    expect(stream.requests).toEqual([])
    expect(stream.found[0]!.drift.length).toBeGreaterThan(300)
  })
})

describe('a shift of the population', () => {
  test('is told within two windows, names the features, and asks for a successor after two windows in a row', () => {
    const stream = new WatchedStream(2)
    stream.send(10_000)
    stream.send(2_000, shiftAll)
    expect(stream.alerts).toMatchObject([
      { kind: 'drift', cause: 'population-shift', state: 'open', segment: null, modelVersion: MODEL, n: 2_000 },
    ])
    expect(stream.alerts[0]!.features.toSorted()).toEqual(['age', 'amount', 'score', 'utilisation'])
    expect(stream.requests).toEqual([])
    stream.send(2_000, shiftAll)
    expect(stream.requests).toMatchObject([
      { modelVersion: MODEL, outcomesSeen: 14_000, inputOffsets: [42_000], alertIds: [stream.alerts[0]!.alertId] },
    ])
    stream.send(6_000, shiftAll)
    // Debounced: an hour has not passed.
    expect(stream.requests).toHaveLength(1)
    expect(stream.monitor.state.figures.refused['interval']).toBeGreaterThan(0)
    stream.send(2_000)
    expect(stream.alerts.at(-1)).toMatchObject({ state: 'resolved', alertId: stream.alerts[0]!.alertId })
  })

  test('in one channel alone is located there', () => {
    const stream = new WatchedStream(3)
    stream.send(12_000)
    stream.send(6_000, shiftMobile)
    expect(stream.alerts[0]).toMatchObject({ kind: 'drift', cause: 'segment-shift', segment: 'channel=mobile', features: ['utilisation'] })
  })

  test('asks for nothing where requests are capped at none or outcomes are missing', () => {
    for (const retrain of [{ perDayMax: 0 }, { outcomesMin: 10_000_000 }]) {
      const stream = new WatchedStream(4, settings({ retrain }))
      stream.send(4_000)
      stream.send(8_000, shiftAll)
      expect(stream.requests).toEqual([])
    }
  })
})

describe('a producer that changes its unit', () => {
  test('is named with the field, and nothing is retrained on its data', () => {
    const stream = new WatchedStream(5)
    stream.send(8_000)
    stream.send(10_000, hundredfold)
    const [unit, drift] = [stream.alerts.find(({ kind }) => kind === 'data-quality'), stream.alerts.find(({ kind }) => kind === 'drift')]
    expect(unit).toMatchObject({ cause: 'unit-change', producer: 'bank-b', eventKind: 'payment', field: 'amount', blocksRetraining: true })
    expect(unit!.value).toBeCloseTo(2, 0)
    // The shift it causes is put down to it.
    expect(drift).toMatchObject({ cause: 'unit-change', producer: 'bank-b', field: 'amount' })
    expect(stream.alerts.filter(({ kind }) => kind === 'data-quality')).toHaveLength(1)
    expect(stream.requests).toEqual([])
  })

  test('ends the alert when it mends it; a later shift of the population asks for a successor', () => {
    const stream = new WatchedStream(6)
    stream.send(8_000)
    stream.send(6_000, hundredfold)
    stream.send(6_000)
    expect(stream.monitor.state.alerts.open.size).toBe(0)
    expect(stream.requests).toEqual([])
    const { retrain } = stream.monitor.state
    stream.monitor.tell('performance:then', fall(retrain.doubtedEventTime, retrain.doubtedAt + 1), retrain.doubtedAt + 1)
    const before = stream.alerts.length
    stream.send(6_000, shiftAll)
    // What was made on bad data is no reason; what moved since is.
    expect(stream.requests).toMatchObject([{ cause: 'population-shift', detail: expect.stringContaining('moved') }])
    expect(stream.requests[0]?.alertIds).toEqual(
      stream.alerts
        .slice(before)
        .filter(({ kind }) => kind === 'drift')
        .map(({ alertId }) => alertId),
    )
  })

  test('leaves no drift of another cause behind: the tail of its data in the window of the mend is told of nothing', () => {
    for (const seed of [6, 8, 9, 10]) {
      const stream = new WatchedStream(seed)
      stream.send(8_000)
      stream.send(6_700, hundredfold)
      stream.send(6_000)
      const drifts = stream.alerts.filter(({ kind, state }) => kind === 'drift' && state === 'open')
      expect(drifts.map(({ cause }) => cause).filter((cause) => cause !== 'unit-change')).toEqual([])
    }
  })

  test('is named before any shift is: one confined to its producer waits for the next window', () => {
    for (const lead of [9_700, 9_800, 9_900]) {
      const stream = new WatchedStream(16)
      stream.send(lead)
      stream.send(4_000, unitEverywhere)
      expect(stream.alerts[0]).toMatchObject({ kind: 'data-quality', producer: 'bank-b', field: 'amount' })
      expect(stream.alerts.map(({ cause }) => cause)).not.toContain('segment-shift')
    }
  })

  test('leaves no shift of a segment behind when it is mended: what parts counted meanwhile is not the population’s', () => {
    // The mend falls anywhere within the windows of the whole and of its parts.
    for (const rest of [0, 740, 1_480]) {
      const stream = new WatchedStream(14)
      stream.send(8_000)
      stream.send(6_000 + rest, unitEverywhere)
      const before = stream.alerts.length
      stream.send(14_000)
      expect(stream.alerts.slice(before).filter(({ kind, state }) => kind === 'drift' && state === 'open')).toEqual([])
      expect(stream.monitor.state.alerts.open.size).toBe(0)
    }
  })

  test('is nobody’s past: parts that were still gathering theirs begin anew', () => {
    const stream = new WatchedStream(15)
    // Of the smaller channel some 1,500 of its first 2,000 decisions.
    stream.send(5_000)
    stream.send(4_000, unitEverywhere)
    stream.send(20_000)
    expect(stream.alerts.filter(({ cause, state }) => state === 'open' && cause === 'segment-shift')).toEqual([])
  })

  test('a fall in performance asks for a successor, save where its decisions were made on such data', () => {
    const stream = new WatchedStream(6)
    stream.send(8_000)
    stream.send(6_000, hundredfold)
    stream.send(6_000)
    const { alerts, retrain } = stream.monitor.state
    expect(alerts.open.size).toBe(0)
    const asked = (key: string, windowStart: number): number => {
      stream.monitor.tell(key, fall(windowStart, retrain.doubtedAt + 1), retrain.doubtedAt + 1_000_000)
      return stream.monitor.take().requests.length
    }
    expect(asked('performance:then', retrain.doubtedEventTime)).toBe(0)
    expect(asked('performance:later', retrain.doubtedEventTime + 1)).toBe(1)
  })

  test('a shift that began under bad data asks for nothing until the figures were normal once', () => {
    const stream = new WatchedStream(7)
    stream.send(8_000)
    stream.send(6_000, (applicant, index) => {
      hundredfold(applicant, index)
      shiftAll(applicant, index)
    })
    stream.send(12_000, shiftAll)
    expect([...stream.monitor.state.alerts.open.values()].some(({ blocksRetraining }) => blocksRetraining)).toBe(false)
    expect(stream.requests).toEqual([])
  })
})

describe('a person’s judgement', () => {
  /** Amounts of one producer are a hundred times what they were, for good; everything else shifts a little, too. */
  const forGood: Disturbance = (applicant, index) => {
    hundredfold(applicant, index)
    shiftAll(applicant, index)
  }
  const judge = (stream: WatchedStream, alert: Alert, verdict: AlertVerdict, mutedUntil: number | null = null): void => {
    const at = START + stream.index * 10
    stream.monitor.judge(
      {
        judgementId: `${alert.alertId} ${verdict}`,
        alertId: alert.alertId,
        verdict,
        judgedAt: epochMs(at),
        mutedUntil: mutedUntil === null ? null : epochMs(mutedUntil),
        actor: 'ada@desk',
        reason: 'agreed with the bank',
      },
      at,
    )
  }
  const unitChange = (stream: WatchedStream): Alert =>
    [...stream.monitor.state.alerts.open.values()].find(({ kind }) => kind === 'data-quality')!

  test('that a changed unit is meant ends the alert and what was put down to it, and a successor is asked for', () => {
    const stream = new WatchedStream(10)
    stream.send(8_000)
    stream.send(6_000, forGood)
    const before = stream.alerts.length
    judge(stream, unitChange(stream), 'accepted')
    stream.send(8_000, forGood)
    const after = stream.alerts.slice(before)
    expect(after.slice(0, 2)).toMatchObject([
      {
        state: 'resolved',
        kind: 'data-quality',
        cause: 'unit-change',
        detail: expect.stringContaining('accepted by ada@desk: agreed with the bank'),
      },
      { state: 'resolved', kind: 'drift', cause: 'unit-change' },
    ])
    // The new unit is the producer's past by now; what remains is the population.
    expect(after.slice(2)).toMatchObject([{ state: 'open', kind: 'drift', cause: 'population-shift' }])
    expect(stream.requests).toHaveLength(1)
    expect(stream.found.flatMap(({ judgements }) => judgements)).toHaveLength(1)
  })

  test('that a changed unit is meant does not cover the next change', () => {
    const stream = new WatchedStream(11)
    stream.send(8_000)
    stream.send(4_000, hundredfold)
    judge(stream, unitChange(stream), 'accepted')
    stream.send(6_000, hundredfold)
    stream.send(2_000)
    expect(unitChange(stream)).toMatchObject({ cause: 'unit-change', producer: 'bank-b', state: 'open' })
  })

  test('to mute or acknowledge leaves the alert open and retraining blocked', () => {
    const stream = new WatchedStream(12)
    stream.send(8_000)
    stream.send(6_000, forGood)
    const [alert, at] = [unitChange(stream), START + stream.index * 10]
    judge(stream, alert, 'acknowledged')
    judge(stream, alert, 'muted', at + 50_000)
    stream.send(8_000, forGood)
    const { alerts } = stream.monitor.state
    expect(unitChange(stream)).toEqual(alert)
    expect([at + 49_999, at + 50_000].map((then) => isMuted(alerts, alert, then))).toEqual([true, false])
    expect(stream.requests).toEqual([])
  })

  test('of an alert that is not open changes nothing', () => {
    const stream = new WatchedStream(13)
    stream.send(8_000)
    stream.send(6_000, hundredfold)
    const alert = unitChange(stream)
    const state = serialize(stream.monitor.state)
    judge(stream, { ...alert, alertId: `${alert.alertId}0` }, 'accepted')
    expect(serialize(stream.monitor.state).equals(state)).toBe(true)
  })
})

test('interrupted anywhere and restored, it finds the same', () => {
  const whole = new WatchedStream(8)
  whole.send(9_000)
  whole.send(5_000, shiftMobile)
  const parts = new WatchedStream(8)
  parts.send(9_000)
  parts.send(1_234, shiftMobile)
  const state = deserialize(serialize(parts.monitor.state)) as MonitorState
  // The same random numbers, the first part thrown away.
  const rest = new WatchedStream(8, settings(), state)
  const silent = rest.monitor.event.bind(rest.monitor)
  const decide = rest.monitor.decision.bind(rest.monitor)
  Object.assign(rest.monitor, { event: () => {}, decision: () => {} })
  rest.send(9_000)
  rest.send(1_234, shiftMobile)
  Object.assign(rest.monitor, { event: silent, decision: decide })
  rest.send(5_000 - 1_234, shiftMobile)
  for (const kind of ['drift', 'quality', 'slo'] as const) {
    const rows = (stream: WatchedStream) => stream.found.flatMap((found) => found[kind] as readonly unknown[])
    expect([...rows(parts), ...rows(rest)]).toEqual(rows(whole))
  }
  expect([...parts.alerts, ...rest.alerts]).toEqual(whole.alerts)
})

test('memory stays bounded however many producers and products appear', () => {
  const stream = new WatchedStream(9)
  stream.send(3_000, (applicant, index) => Object.assign(applicant, { producer: `bank-${index}`, channel: `channel-${index}` }))
  const { drift, quality, undecided } = stream.monitor.state
  expect(drift.models.get(MODEL)!.parts.size).toBeLessThanOrEqual(3 * 17)
  expect(quality.sources.size).toBeLessThanOrEqual(32 * 3)
  expect(undecided.size).toBe(0)
  expect(serialize(stream.monitor.state).length).toBeLessThan(8e6)
})
