import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Aggregate } from '#features/aggregates/aggregate.ts'
import { count } from '#features/aggregates/count.ts'
import { daysSinceFirst } from '#features/aggregates/days-since-first.ts'
import { daysSinceLast } from '#features/aggregates/days-since-last.ts'
import { decayedRate } from '#features/aggregates/decayed-rate.ts'
import { distinct } from '#features/aggregates/distinct.ts'
import { gapMean } from '#features/aggregates/gap.ts'
import { last } from '#features/aggregates/last.ts'
import { max } from '#features/aggregates/max.ts'
import { mean } from '#features/aggregates/mean.ts'
import { std } from '#features/aggregates/std.ts'
import { sum } from '#features/aggregates/sum.ts'
import { topShare } from '#features/aggregates/top-share.ts'
import { greater, field, named } from '#features/language/expression.ts'
import type { AggregateDefinition, Definition } from '#features/language/feature.ts'
import { feature } from '#features/language/feature.ts'
import { calendarMonth, days, ever, hours, lastEvents, months } from '#features/language/window.ts'
import type { Window } from '#features/language/window.ts'
import { linkId } from '#features/linked/link-id.ts'
import { linkedFeatureSet } from '#features/linked/linked-feature-set.ts'
import type { LinkedFeatureSet } from '#features/linked/linked-feature-set.ts'
import { of } from '#features/linked/of.ts'
import { readLinked } from '#features/linked/read-linked.ts'
import { linkedFeatureSql } from '#features/sql/linked-feature-sql.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { LINKED_KINDS } from '#schemas/linked-update.ts'
import { randomHistory, randomOf } from './random-history.ts'
import { ASK_SCHEMA, bodyOf, instant, SCHEMA, SqlOracle } from './sql-oracle.ts'

const SEED = Number(process.env['SCORESTREAM_TEST_SEED'] || 20_261_121)
const on = 'application'
const large = named('large', 'flag', 'large applications', greater(field(on, 'amount'), 2_000_000))

const WINDOWS: readonly Window[] = [days(30), days(200), hours(18), months(1), months(7), lastEvents(4), calendarMonth(1, 'Europe/Berlin')]
const OF_EVENTS: readonly Aggregate[] = [count(), daysSinceLast(), decayedRate(30), gapMean()]
const OF_AMOUNTS: readonly Aggregate[] = [sum(), mean(), max(), std(), last()]
const OF_TEXTS: readonly Aggregate[] = [distinct(), topShare(1)]

const definitionsOf = (entity: (typeof LINKED_KINDS)[number]): readonly AggregateDefinition[] => {
  const define = (spec: Parameters<ReturnType<typeof of>['feature']>[0]): AggregateDefinition => of(entity).feature(spec)
  return [
    define({ on, how: daysSinceFirst(), window: ever() }),
    ...WINDOWS.flatMap((window) => [
      ...OF_EVENTS.map((how) => define({ on, how, window })),
      ...OF_AMOUNTS.map((how) => define({ on, field: 'amount', how, window })),
      ...OF_TEXTS.map((how) => define({ on, text: 'applicantId', how, window })),
      define({ on, where: large, how: count(), window }),
    ]),
  ]
}

interface Link {
  readonly entity: string
  readonly id: string
  readonly application: ApplicationEvent
}

/** A topic of one partition in which updates lie late, and again; readers see it as far as it has come. */
class Topic {
  readonly records: Link[] = []
  #underWay: Link[] = []
  readonly #random: () => number
  constructor(random: () => number) {
    this.#random = random
  }
  tell(links: readonly Link[]): void {
    this.#underWay.push(...links)
    while (this.#underWay.length > 0 && this.#random() < 0.7) this.records.push(this.#underWay.shift()!)
    // A redelivery: the newest records once more, in order.
    if (this.#random() < 0.1) this.records.push(...this.records.slice(-3))
  }
}

interface Reading {
  readonly entity: string
  readonly partition: number
  readonly version: number
}

const namedBy = (application: ApplicationEvent): readonly Link[] =>
  LINKED_KINDS.flatMap((entity) => {
    const id = linkId(application, entity)
    return id === undefined ? [] : [{ entity, id, application }]
  })

/** Vectors of the live fold by ask, and what they were read off. */
const live = (set: LinkedFeatureSet, history: ReturnType<typeof randomHistory>, seed: number) => {
  const topic = new Topic(randomOf(seed))
  const states = new Map<string, Uint8Array>()
  const entities = new Map<string, { state: Uint8Array; seen: Set<Link['application']>; version: number }>()
  const vectors = new Map<string, Float32Array>()
  const readings = new Map<string, readonly Reading[]>()
  let folded = 0
  for (const { event } of history.events) {
    const state = states.get(event.applicantId) ?? set.emptyState()
    states.set(event.applicantId, state)
    if (event.kind === 'application') {
      for (; folded < topic.records.length; folded++) {
        const { entity, id, application } = topic.records[folded]!
        const part = set.linked.find((one) => one.entity === entity)!
        const held = entities.get(`${entity}:${id}`) ?? { state: part.set.emptyState(), seen: new Set(), version: 0 }
        entities.set(`${entity}:${id}`, held)
        if (held.seen.has(application)) continue
        held.seen.add(application)
        part.set.fold(held.state, application)
        held.version = folded + 1
      }
      const vector = new Float32Array(set.size)
      set.vector(state, event, vector, 0)
      const read: Reading[] = []
      for (const part of set.linked) {
        const id = linkId(event, part.entity)
        const held = id === undefined ? undefined : entities.get(`${part.entity}:${id}`)
        readLinked(part, id === undefined ? undefined : (held?.state ?? part.set.emptyState()), event, vector, 0)
        if (id !== undefined) read.push({ entity: part.entity, partition: 0, version: held?.version ?? 0 })
      }
      vectors.set(event.applicationId, vector)
      readings.set(event.applicationId, read)
      topic.tell(namedBy(event))
    }
    set.fold(state, event)
  }
  return { vectors, readings, topic }
}

/** What float32 may say of a float64 that rounding put on one side or the other. */
const agrees = (mine: number, theirs: number): boolean =>
  Object.is(mine, Math.fround(theirs) + 0) || Math.abs(mine - theirs) <= 1e-6 * Math.max(Math.abs(theirs), 1)

const LINK_SCHEMA = SCHEMA.replace('(', '(entity String, entity_id String, ')
const LINKED_ASK_SCHEMA = ASK_SCHEMA.replace('(', '(linked Array(Tuple(entity String, partition UInt32, version UInt64)), ')

let oracle: SqlOracle
beforeAll(() => {
  oracle = new SqlOracle()
})
afterAll(() => oracle.close())

const fill = async (history: ReturnType<typeof randomHistory>, { readings, topic }: ReturnType<typeof live>): Promise<void> => {
  await oracle.fill(history.events, [])
  await oracle.load(
    'links',
    LINK_SCHEMA,
    topic.records.map(({ entity, id, application }, offset) => ({
      entity,
      entity_id: id,
      event_id: application.eventId,
      kind: 'application',
      applicant_id: application.applicantId,
      event_time: instant(application.eventTime),
      producer: application.producer,
      partition: 0,
      offset,
      body: JSON.stringify({ ...(JSON.parse(bodyOf(application)) as object), applicantId: application.applicantId }),
    })),
  )
  await oracle.load(
    'asks',
    LINKED_ASK_SCHEMA,
    history.asks.map(({ id, application, offset }) => ({
      ask: id,
      applicant_id: application.applicantId,
      event_time: instant(application.eventTime),
      partition: 0,
      offset,
      body: bodyOf(application),
      linked: readings.get(id)!,
    })),
  )
}

const sql = (set: LinkedFeatureSet): string =>
  linkedFeatureSql(set, { events: 'default.events', asks: 'default.asks', links: 'default.links' })

describe(`linked entities: the live fold and ClickHouse (seed ${SEED})`, () => {
  const own = feature({ on: 'payment', by: 'applicant', field: 'amount', how: sum(), window: days(30) })
  const definitions: readonly Definition[] = [...definitionsOf('device'), own, ...definitionsOf('employer')]
  /** Below what busy devices see: rings overflow, and the SQL must say the same of what is left. */
  const linkedCapacities = { device: { application: 24 }, employer: { application: 40 } }
  const set = linkedFeatureSet({ definitions, capacities: { payment: 16 }, linkedCapacities })
  const history = randomHistory(SEED + 3, 60)

  test('agree on every definition as known then: late tellings, redeliveries, overflowing rings', { timeout: 120_000 }, async () => {
    const ours = live(set, history, SEED)
    await fill(history, ours)
    const theirs = await oracle.ask(sql(set))
    expect([...theirs.keys()].toSorted()).toEqual([...ours.vectors.keys()].toSorted())
    const differences: string[] = []
    let [compared, missing, some] = [0, 0, 0]
    for (const [ask, vector] of ours.vectors)
      set.definitions.forEach(({ name }, place) => {
        const [mine, other] = [vector[place]!, theirs.get(ask)![place]!]
        compared++
        if (Number.isNaN(mine)) missing++
        else if (mine !== 0) some++
        if (!agrees(mine, other)) differences.push(`${name} of ${ask}: ${mine}, should be ${other}`)
      })
    expect(differences.slice(0, 20)).toEqual([])
    expect(compared).toBeGreaterThan(10_000)
    expect(Math.min(missing, some)).toBeGreaterThan(1_000)
  })

  test.for([
    ['a redelivery folded twice', 'GROUP BY ask, producer, event_id', 'GROUP BY ask, producer, event_id, position'],
    ['updates beyond the version read', 'WHERE e.offset < a.offset', 'WHERE 1'],
    ['another entity’s updates', "JSONExtractString(body, 'deviceId') AS applicant_id", "'d1' AS applicant_id"],
  ] as const)('a planted fault is found: %s', { timeout: 60_000 }, async ([, right, wrong]) => {
    const ours = live(set, history, SEED)
    await fill(history, ours)
    expect(sql(set)).toContain(right)
    const theirs = await oracle.ask(sql(set).replaceAll(right, wrong))
    const differences = [...ours.vectors].flatMap(([ask, vector]) =>
      [...vector].filter((mine, place) => !agrees(mine, theirs.get(ask)![place]!)),
    )
    expect(differences.length).toBeGreaterThan(0)
  })
})
