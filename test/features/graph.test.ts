import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GRAPH_LIMITS, type GraphLimits } from '#features/graph/graph-limits.ts'
import { GRAPH_FEATURES, LinkGraph } from '#features/graph/link-graph.ts'
import type { ApplicationEvent, OutcomeEvent } from '#schemas/events.ts'
import { applicantId, epochMs } from '#schemas/units.ts'
import { randomOf } from './differential/random-history.ts'
import { applicationAt, START } from './streams-of-events.ts'

const HOUR_MS = 3_600_000
const fixture = (name: string): string => join(import.meta.dirname, '../fixtures/graph', name)

const asked = (n: number, applicant: string, named: Partial<ApplicationEvent>, amount = 100 + n): ApplicationEvent => ({
  ...applicationAt(START + n * HOUR_MS, amount, named),
  eventId: `e${n}`,
  applicationId: `x${n}`,
  applicantId: applicantId(applicant),
})
const became = (of: ApplicationEvent, label: 0 | 1, afterHours: number, observed = true): OutcomeEvent => ({
  eventId: `o-${of.eventId}`,
  applicantId: of.applicantId,
  eventTime: epochMs(of.eventTime + afterHours * HOUR_MS),
  producer: 'test',
  kind: 'outcome',
  applicationId: of.applicationId,
  label,
  definition: 'default-1m',
  horizonDays: 1,
  maturedAt: epochMs(of.eventTime + afterHours * HOUR_MS),
  observed,
})

/** Applications over few entities, and outcomes as they become known: mostly when they mature, some before. */
const stream = (seed: number, total: number): readonly (ApplicationEvent | OutcomeEvent)[] => {
  const random = randomOf(seed)
  const some = (chance: number, field: string, letter: string, many: number) =>
    random() < chance ? { [field]: `${letter}${Math.floor(random() * many)}` } : {}
  const applications = Array.from({ length: total }, (_, n) =>
    asked(n, `p${Math.floor(random() * total * 0.6)}`, {
      ...some(0.6, 'deviceId', 'd', total),
      ...some(0.4, 'employerId', 'e', total / 20),
      ...some(0.3, 'addressId', 'a', total / 2),
    }),
  )
  const outcomes = applications.flatMap((one) => {
    if (random() < 0.3) return []
    const outcome = became(one, random() < 0.3 ? 1 : 0, 1 + Math.floor(random() * 40), random() < 0.9)
    return [{ known: random() < 0.1 ? one.eventTime + 1 : outcome.maturedAt + 1, event: outcome }]
  })
  return [...applications.map((event) => ({ known: event.eventTime as number, event })), ...outcomes]
    .toSorted((a, b) => a.known - b.known)
    .map(({ event }) => event)
}

const vectors = (events: readonly (ApplicationEvent | OutcomeEvent)[], limits: GraphLimits = GRAPH_LIMITS) => {
  const graph = new LinkGraph(limits)
  const rows: (number | null)[][] = []
  for (const event of events) {
    if (event.kind === 'outcome') {
      graph.label(event)
      continue
    }
    const row = new Float32Array(GRAPH_FEATURES.length)
    graph.read(event, row, 0)
    rows.push([...row].map((value) => (Number.isNaN(value) ? null : value)))
    graph.add(event)
  }
  return { rows, graph }
}

const events = stream(20_261_121, 400)
const input = events.map((event) =>
  event.kind === 'outcome'
    ? { application: event.applicationId, bad: event.label === 1, observed: event.observed, maturedAt: event.maturedAt }
    : {
        application: event.applicationId,
        applicant: event.applicantId,
        time: event.eventTime,
        amount: event.amount,
        device: event.deviceId ?? null,
        employer: event.employerId ?? null,
        address: event.addressId ?? null,
      },
)
if (process.env['UPDATE_FIXTURES']) writeFileSync(fixture('events.json'), `${JSON.stringify(input)}\n`)

describe('the graph of what applicants share', () => {
  // Recomputed from nothing for each application by networkx 3.6.1: python test/fixtures/graph/make_golden.py
  test('says what networkx says of the graph built anew for every application', () => {
    expect(JSON.parse(readFileSync(fixture('events.json'), 'utf8'))).toEqual(input)
    const golden = JSON.parse(readFileSync(fixture('golden.json'), 'utf8')) as (number | null)[][]
    const { rows, graph } = vectors(events)
    expect(rows).toEqual(golden.map((row) => row.map((value) => (value === null ? null : Math.fround(value)))))
    expect(graph.overflow).toEqual({ nodes: 0, edges: 0, pending: 0, labels: 0, truncatedReads: 0 })
    const at = (name: string) => rows.map((row) => row[GRAPH_FEATURES.indexOf(name)] ?? 0)
    for (const name of GRAPH_FEATURES) expect(Math.max(...at(name)), name).toBeGreaterThan(0)
  })

  test('what comes after an application does not change what it read', () => {
    const whole = vectors(events).rows
    const half = events.slice(0, events.length / 2)
    expect(whole.slice(0, vectors(half).rows.length)).toEqual(vectors(half).rows)
  })

  test('an outcome counts once it is matured, not once it is known; a counterfactual one never', () => {
    const first = asked(0, 'a', { deviceId: 'd' })
    const second = asked(1, 'b', { deviceId: 'd' })
    const [early, late] = [asked(5, 'c', { deviceId: 'd' }), asked(50, 'c', { deviceId: 'd' })]
    const { rows } = vectors([first, second, became(first, 1, 20), became(second, 1, 2, false), early, late])
    const device = rows.map((row) => row.slice(0, 3))
    expect(device.slice(2)).toEqual([
      [2, 0, null],
      [2, 1, 1],
    ])
  })

  test('an applicant’s own past is not somebody else’s', () => {
    const [first, again] = [asked(0, 'a', { deviceId: 'd' }), asked(9, 'a', { deviceId: 'd' })]
    const { rows } = vectors([first, became(first, 1, 2), again])
    expect(rows[1]).toEqual([0, 0, null, null, null, null, null, null, null, 2, 0, 0, 0])
  })

  test('what does not fit is left out and counted, and nothing grows beyond its bounds', () => {
    const limits = { nodesMax: 50, edgesMax: 30, neighboursMax: 2, pendingMax: 15, labelsMax: 1 }
    const { rows, graph } = vectors(events, limits)
    for (const [what, count] of Object.entries(graph.overflow)) expect(count, what).toBeGreaterThan(0)
    const size = GRAPH_FEATURES.indexOf('component.nodes')
    // Its own applicant and three entities may be new to it.
    for (const row of rows) expect(row[size]).toBeLessThanOrEqual(54)
  })

  test('components do not depend on the order in which links came', () => {
    const applications = events.filter((event) => event.kind === 'application')
    const sizes = (order: readonly ApplicationEvent[]): (number | null)[] => {
      const { graph } = vectors(order)
      return applications.map((one) => {
        const row = new Float32Array(GRAPH_FEATURES.length)
        graph.read(one, row, 0)
        return row[GRAPH_FEATURES.indexOf('component.nodes')]!
      })
    }
    expect(sizes(applications.toReversed())).toEqual(sizes(applications))
  })
})
