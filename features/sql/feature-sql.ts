/**
 * A feature set as one ClickHouse statement over raw events: the third execution of the definitions, and the judge of the other two. It
 * shares with them the definitions and the declared capacities, nothing else: calendar, windows and aggregates are ClickHouse's. It needs no
 * settings, so that any reader of the warehouse may run it.
 */
import type { CompiledFeatureSet } from '../compile/compile.ts'
import { DAY_MS } from '../language/calendar.ts'
import { canonical } from '../compile/canonical.ts'
import type { DerivedNode } from '../language/derived.ts'
import type { AggregateDefinition, Definition } from '../language/feature.ts'
import { chosenValue, isPaned } from '../language/feature.ts'
import { fieldsOf } from '../language/expression.ts'
import type { FoldedKind } from '../language/kinds.ts'
import { FOLDED_KINDS, numericField, textField } from '../language/kinds.ts'
import { aggregatesOf } from '../state/layout.ts'
import type { Column, Section } from '../state/layout.ts'
import { hopMsOf } from '../state/pane-layout.ts'
import { aggregateSql, ofNothing } from './aggregate-sql.ts'
import { ExpressionSql, numberColumn, otherAmounts, otherTimes, textColumn } from './expression-sql.ts'
import type { OtherField } from './expression-sql.ts'
import { literal, numeral } from './sql-text.ts'
import { paneCondition, windowCondition } from './window-sql.ts'

export interface FeatureSqlSource {
  /** Table, or subquery in parentheses, with the warehouse's columns of events. */
  readonly events: string
  /**
   * Table, or subquery in parentheses: `ask` names a vector wanted; `applicant_id`, `event_time`, `partition`, `offset` and `body` are those of
   * its application.
   */
  readonly asks: string
  /** `then`: of the events before the application in its partition. `now`: also of later ones about the time up to it (`revision.ts`). */
  readonly known: 'then' | 'now'
}

/**
 * One row per ask: `ask` and `features`, an array of float64 in vector order, nan where missing. A producer's retry counts once, at its
 * first position, and an erasure wipes what came before it, as in the live fold.
 */
export const featureSql = (set: CompiledFeatureSet, source: FeatureSqlSource): string => {
  const kinds = FOLDED_KINDS.map((kind) => new KindSql(set, kind)).filter(({ aggregates }) => aggregates.length > 0)
  const names = new Map(kinds.flatMap(({ columns }) => [...columns]))
  const features = set.definitions.map((definition) => valueSql(definition, names)).join(',\n    ')
  const joins = kinds.map(({ kind }) => `LEFT JOIN of_${kind} ON of_${kind}.ask = asks.ask`).join('\n')
  return `WITH
asks AS (SELECT ask, applicant_id, toUnixTimestamp64Milli(event_time) AS t, partition, offset, body FROM ${source.asks}),
known AS (${knownSql(source)}),
${kinds.map((kind) => kind.sql()).join(',\n')}
SELECT asks.ask AS ask, [
    ${features}
] AS features
FROM asks
${joins}`
}

/** Events each ask may know of. */
const knownSql = ({ events, known }: FeatureSqlSource): string => {
  const since = known === 'then' ? '' : ' OR (e.offset > a.offset AND toUnixTimestamp64Milli(e.event_time) <= a.t)'
  return `
  SELECT ask, any(t) AS t, any(kind) AS kind, any(time) AS time, argMin(body, position) AS body
  FROM
  (
    SELECT a.ask AS ask, a.t AS t, e.kind AS kind, e.producer AS producer, e.event_id AS event_id, e.offset AS position,
      toUnixTimestamp64Milli(e.event_time) AS time, e.body AS body,
      max(if(e.kind = 'subject-request' AND JSONExtractString(e.body, 'request') = 'erasure', toInt64(e.offset), -1)) OVER (PARTITION BY a.ask) AS erased
    FROM (SELECT event_id, kind, applicant_id, event_time, producer, partition, offset, body FROM ${events}) AS e
    INNER JOIN asks AS a ON a.applicant_id = e.applicant_id AND a.partition = e.partition
    WHERE e.offset < a.offset${since}
  )
  WHERE toInt64(position) > erased
  GROUP BY ask, producer, event_id
`
}

/** Everything the vector needs of one kind's events, one row an ask. */
class KindSql {
  readonly kind: FoldedKind
  readonly aggregates: readonly AggregateDefinition[]
  /** Canonical text of an aggregate → the column that holds it. */
  readonly columns = new Map<string, string>()
  readonly #set: CompiledFeatureSet
  readonly #section: Section | undefined

  constructor(set: CompiledFeatureSet, kind: FoldedKind) {
    this.#set = set
    this.kind = kind
    this.#section = set.layout.sections.find((section) => section.kind === kind)
    const wanted = new Map<string, AggregateDefinition>()
    for (const definition of set.definitions.flatMap(aggregatesOf))
      if (definition.on === kind) wanted.set(JSON.stringify(canonical(definition)), definition)
    this.aggregates = [...wanted.values()]
    for (const key of wanted.keys()) this.columns.set(key, `${kind}_${this.columns.size}`)
  }

  sql(): string {
    const { kind } = this
    const expressions = new ExpressionSql()
    const results = this.aggregates.map((definition, i) => `${this.#aggregate(definition, expressions)} AS ${kind}_${i}`)
    let rows = `(${this.#base(expressions)})`
    for (const level of expressions.levels) {
      const added = level.map(({ name, sql }) => `${sql} AS ${name}`).join(', ')
      rows = `(SELECT *${added === '' ? '' : `, ${added}`} FROM ${rows}${added.includes('in_order') ? ` ${this.#inOrder()}` : ''})`
    }
    return `of_${kind} AS (SELECT ask, ${results.join(',\n  ')} FROM ${rows} GROUP BY ask)`
  }

  #aggregate(definition: AggregateDefinition, expressions: ExpressionSql): string {
    const { how, on } = definition
    const strict = on === 'application'
    if (how.name === 'days-since-first') return `if(min(time) ${strict ? '<' : '<='} any(t), (any(t) - min(time)) / ${DAY_MS}, nan)`
    const paned = isPaned(definition)
    const panes = this.#set.layout.panes.find((section) => section.kind === on && section.hopMs === hopMsOf(definition))
    const window = paned ? paneCondition(definition, panes!) : windowCondition(definition, strict)
    const node = chosenValue(definition)
    if (node === null) return aggregateSql(how, { value: 'toFloat64(1)', where: window, held: !paned })
    const { name, isText } = expressions.column(node)
    const present = isText ? `${name} != ''` : `NOT isNaN(${name})`
    return aggregateSql(how, { value: name, where: `${window} AND ${present}`, held: !paned })
  }

  #inOrder(): string {
    return `WINDOW in_order AS (PARTITION BY ask, held ORDER BY ${['time', ...ties(this.#section)].join(', ')} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)`
  }

  /** Events with their fields, and how they stand in the ring: `rank` and `age` count from the newest, all and up to t. */
  #base(expressions: ExpressionSql): string {
    const { kind } = this
    const backwards = ['time', ...ties(this.#section)].map((column) => `${column} DESC`).join(', ')
    const past = kind === 'application' ? 'time < t' : 'time <= t'
    const others = [...expressions.others.values()]
    const arrays = others.map(
      (other) => `, o${others.indexOf(other)}.ts AS ${otherTimes(other)}, o${others.indexOf(other)}.vs AS ${otherAmounts(other)}`,
    )
    return `
    SELECT r.*${arrays.join('')}, rank <= ${this.#section?.capacity ?? 0} AS held
    FROM
    (
      SELECT *,
        row_number() OVER (PARTITION BY ask ORDER BY ${backwards}) AS rank,
        row_number() OVER (PARTITION BY ask, ${past} ORDER BY ${backwards}) AS age,
        max(time) OVER (PARTITION BY ask) AS newest_time
      FROM (${fieldsSql(this.#fields(), kind)})
    ) AS r
    ${others.map((other, i) => `LEFT JOIN (${otherSql(other, this.#set)}) AS o${i} ON o${i}.ask = r.ask`).join('\n')}`
  }

  #fields(): readonly { readonly field: string; readonly isText: boolean }[] {
    const read = this.aggregates.flatMap((definition) => {
      const node = chosenValue(definition)
      return node === null ? [] : fieldsOf(this.kind, node)
    })
    const own = read.filter(({ kind }) => kind === this.kind).map(({ field, reads }) => [field, reads === 'text'] as const)
    const held = (this.#section?.columns ?? []).map((column) => [column.field, isText(column)] as const)
    return [...new Map([...own, ...held])].map(([field, isText]) => ({ field, isText }))
  }
}

const isText = ({ encoding }: Column): boolean => encoding === 'hash' || encoding === 'choice'

/** By what the ring orders events of one time: their content. Texts are held as hashes or as places among their choices. */
const ties = (section: Section | undefined): readonly string[] =>
  (section?.columns ?? []).map(({ field, encoding }) => {
    if (encoding === 'hash') return `if(${textColumn(field)} = '', 0, murmurHash3_32(${textColumn(field)}))`
    if (encoding === 'optional') return `if(isNaN(${numberColumn(field)}), -inf, ${numberColumn(field)})`
    if (encoding !== 'choice') return numberColumn(field)
    const choices = textField(section!.kind, field)!.choices!.map(literal).join(', ')
    return `indexOf([${choices}], ${textColumn(field)})`
  })

/** An optional number that the event does not state is missing. */
const numberSql = (kind: FoldedKind, field: string): string => {
  const value = `toFloat64(JSONExtractInt(body, ${literal(field)}))`
  return numericField(kind, field)?.optional === true ? `if(JSONHas(body, ${literal(field)}), ${value}, nan)` : value
}

const fieldsSql = (fields: readonly { readonly field: string; readonly isText: boolean }[], kind: FoldedKind): string => {
  const columns = fields.map(({ field, isText }) =>
    isText ? `JSONExtractString(body, ${literal(field)}) AS ${textColumn(field)}` : `${numberSql(kind, field)} AS ${numberColumn(field)}`,
  )
  return `SELECT ${['ask', 't', 'time', ...columns].join(', ')} FROM known WHERE kind = ${literal(kind)}`
}

/** Times and amounts of another kind's events that its ring holds. */
const otherSql = ({ kind, field }: OtherField, set: CompiledFeatureSet): string => {
  const section = set.layout.sections.find((one) => one.kind === kind)!
  const { capacity, columns } = section
  const fields = columns.map((column) => ({ field: column.field, isText: isText(column) }))
  const backwards = ['time', ...ties(section)].map((column) => `${column} DESC`).join(', ')
  return `
      SELECT ask, groupArray(time) AS ts, groupArray(if(isNaN(${numberColumn(field)}), 0, ${numberColumn(field)})) AS vs
      FROM (SELECT *, row_number() OVER (PARTITION BY ask ORDER BY ${backwards}) AS rank FROM (${fieldsSql(fields, kind)}))
      WHERE rank <= ${capacity} GROUP BY ask`
}

const valueSql = (definition: Definition, names: ReadonlyMap<string, string>): string => {
  switch (definition.kind) {
    case 'aggregate':
      // A join without a match fills in '', which names no ask.
      return `if(of_${definition.on}.ask = '', ${ofNothing(definition.how)}, ${names.get(JSON.stringify(canonical(definition)))!})`
    case 'stated': {
      const field = literal(definition.field)
      return `if(JSONHas(asks.body, ${field}), toFloat64(JSONExtractInt(asks.body, ${field})), nan)`
    }
    case 'ratio': {
      const divisor = valueSql(definition.divisor, names)
      return `if(${divisor} > 0, ${valueSql(definition.dividend, names)} / ${divisor}, nan)`
    }
    case 'derived':
      return derivedSql(definition.node, names)
  }
}

const derivedSql = (node: DerivedNode, names: ReadonlyMap<string, string>): string => {
  const of = (inner: DerivedNode): string => derivedSql(inner, names)
  switch (node.op) {
    case 'feature':
      return valueSql(node.of, names)
    case 'constant':
      return numeral(node.value)
    case 'absolute':
      return `abs(${of(node.of)})`
    case 'root':
      return `sqrt(${of(node.of)})`
    case 'is-missing':
      return `toFloat64(isNaN(${of(node.of)}))`
    case 'otherwise':
      return `if(isNaN(${of(node.left)}), ${of(node.right)}, ${of(node.left)})`
    case 'divide':
      return `if(${of(node.right)} = 0, nan, ${of(node.left)} / ${of(node.right)})`
    case 'least':
    case 'greatest':
      return `if(isNaN(${of(node.left)}) OR isNaN(${of(node.right)}), nan, ${node.op}(${of(node.left)}, ${of(node.right)}))`
    case 'add':
      return `(${of(node.left)} + ${of(node.right)})`
    case 'subtract':
      return `(${of(node.left)} - ${of(node.right)})`
    case 'multiply':
      return `(${of(node.left)} * ${of(node.right)})`
  }
}
