/**
 * A feature set over linked entities as one ClickHouse statement: the applicant's own part and each kind of entity as in `feature-sql.ts`, put
 * together. An entity's applications lie in one partition of the topic, so a version names those that were known, and a redelivery counts once.
 */
import { LINK_FIELDS } from '../linked/link-id.ts'
import type { CompiledPart, LinkedFeatureSet } from '../linked/linked-feature-set.ts'
import { featureSql } from './feature-sql.ts'
import { literal } from './sql-text.ts'

export interface LinkedSqlSource {
  /** Table, or subquery in parentheses, with the warehouse's columns of events. */
  readonly events: string
  /**
   * Table, or subquery in parentheses, as in `FeatureSqlSource`, and `linked`: what the capsule says was read, as
   * `Array(Tuple(entity String, partition UInt32, version UInt64))`.
   */
  readonly asks: string
  /**
   * Table, or subquery in parentheses: records of `linked-entities`, redeliveries too. `entity`, `entity_id`, `partition` and `offset` are the
   * record's, the other columns those of its application as in `events`; `body` holds `applicantId`, too.
   */
  readonly links: string
}

const askedOf = ({ entity }: CompiledPart, asks: string): string => {
  const reading = `arrayFirst(one -> tupleElement(one, 1) = ${literal(entity)}, linked)`
  return `(
    SELECT ask, JSONExtractString(body, ${literal(LINK_FIELDS[entity])}) AS applicant_id, event_time,
      tupleElement(${reading}, 2) AS partition, tupleElement(${reading}, 3) AS offset, body
    FROM ${asks} WHERE arrayExists(one -> tupleElement(one, 1) = ${literal(entity)}, linked))`
}

const linksOf = ({ entity }: CompiledPart, links: string): string => `(
    SELECT event_id, kind, entity_id AS applicant_id, event_time, producer, partition, offset, body FROM ${links} WHERE entity = ${literal(entity)})`

/** One row per ask: `ask` and `features`, an array of float64 in vector order, nan where missing. As known then. */
export const linkedFeatureSql = (set: LinkedFeatureSet, { events, asks, links }: LinkedSqlSource): string => {
  const parts = [
    { name: 'own', at: set.ownAt, sql: featureSql(set.own, { events, asks, known: 'then' }) },
    ...set.linked.map((part) => ({
      name: part.entity,
      at: part.at,
      sql: featureSql(part.set, { events: linksOf(part, links), asks: askedOf(part, asks), known: 'then' }),
    })),
  ]
  const features = set.definitions.map((_, place) => {
    const { name, at } = parts.find((part) => part.at.includes(place))!
    // A join without a match fills in '', which names no ask: the application names no such entity.
    return `if(of_${name}.ask = '', nan, of_${name}.features[${at.indexOf(place) + 1}])`
  })
  return `SELECT all_asks.ask AS ask, [
    ${features.join(',\n    ')}
] AS features
FROM (SELECT ask FROM ${asks}) AS all_asks
${parts.map(({ name, sql }) => `LEFT JOIN (${sql}) AS of_${name} ON of_${name}.ask = all_asks.ask`).join('\n')}`
}
