/** Component schemas of the API: the events as they are defined, and what the gateway itself answers. */
import { EVENT_KINDS, EVENT_SCHEMAS } from '#schemas/events.ts'
import { PROBLEM_CODES } from './problem.ts'

export type JsonSchema = { readonly [key: string]: unknown }

/** Facts of a field that JSON Schema has no word for travel as extensions; `avro` concerns the log alone. */
const RENAMED: ReadonlyMap<string, string | null> = new Map([
  ['unit', 'x-unit'],
  ['pii', 'x-pii'],
  ['avro', null],
])

/** A typebox schema as plain JSON Schema. Property names are left alone: only a schema's own keywords are renamed. */
const plain = (schema: unknown): JsonSchema => {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema as object)) {
    const name = RENAMED.has(key) ? RENAMED.get(key) : key
    if (name === null || name === undefined) continue
    if (key === 'properties' || key === 'patternProperties')
      out[name] = Object.fromEntries(Object.entries(value as object).map(([property, inner]) => [property, plain(inner)]))
    else out[name] = typeof value === 'object' && value !== null && !Array.isArray(value) ? plain(value) : value
  }
  return out
}

const string = (description: string, extra: JsonSchema = {}): JsonSchema => ({ type: 'string', description, ...extra })
const number = (description: string, extra: JsonSchema = {}): JsonSchema => ({ type: 'number', description, ...extra })
const integer = (description: string, extra: JsonSchema = {}): JsonSchema => ({ type: 'integer', description, ...extra })
const nullable = (schema: JsonSchema): JsonSchema => ({ ...schema, type: [schema['type'], 'null'] })
const array = (items: JsonSchema, description: string, extra: JsonSchema = {}): JsonSchema => ({
  type: 'array',
  items,
  description,
  ...extra,
})
const object = (description: string, properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema => ({
  type: 'object',
  description,
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
})
export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

const instant = (description: string) => string(description, { format: 'date-time' })
const hash = (description: string) => string(description, { pattern: '^[0-9a-f]{64}$' })
const outcome = string('What was decided', { enum: ['approve', 'refer', 'decline'] })
const probability = number('Probability of bad, calibrated', { minimum: 0, maximum: 1 })
const score = number('Points: 600 at odds of 50:1 good to bad, 20 points double the odds, higher is safer')
const degraded = {
  description: 'Quality given up to keep the deadline; null when none was',
  enum: ['explanation-deferred', 'smaller-ensemble', 'scorecard', 'referred', null],
}
const knownUpTo = (): JsonSchema =>
  string('now; or last-commit, where another process works on the applicant’s partition and may be some events ahead', {
    enum: ['now', 'last-commit'],
  })
const verdict = {
  decision: outcome,
  probability,
  score,
  modelVersion: string('Model that decided'),
  policyVersion: string('Policy file that decided, with its hash'),
  featureSetHash: string('SHA-256 over the feature definitions'),
  margin: number('Log-odds of bad before calibration; base plus all attributions'),
  base: number('Mean margin over the background, computed on its own'),
  ruleHit: nullable(string('Policy rule that decided; null where the score did')),
  reasons: array(ref('Reason'), 'Principal reasons, the most adverse first', { maxItems: 4 }),
  degraded,
}
const STAGES = ['queue', 'decode', 'state', 'fold', 'score', 'explain', 'policy', 'commit', 'publish']
const position = nullable(
  object('Place in the input log; null for events that never enter it', {
    partition: integer('Partition', { minimum: 0 }),
    offset: integer('Offset within the partition', { minimum: 0 }),
  }),
)

const own: Record<string, JsonSchema> = {
  Reason: object('A group of correlated features that spoke against the applicant, or a policy rule', {
    code: string('Stable code'),
    text: string('Plain words'),
    group: string('Group of features'),
    contribution: number('Sum of the attributions of the group, log-odds of bad; 0 for a policy rule'),
    rank: integer('1 = most adverse', { minimum: 1, maximum: 4 }),
  }),
  Decision: object('A decision with its reasons', {
    decisionId: string('<partition>-<offset> of the application', { pattern: '^\\d+-\\d+$' }),
    eventId: string('Event that was decided'),
    applicationId: string('Application'),
    applicantId: string('Pseudonym of the applicant'),
    eventTime: instant('When the application was made'),
    decidedAt: instant('When it was decided, by the wall clock'),
    product: string('Product applied for'),
    amount: integer('Amount applied for, minor units'),
    currency: string('ISO 4217 currency'),
    ...verdict,
    cutOff: number('Probability of bad from which the decision is no longer approve'),
    capsuleHash: hash('SHA-256 over the previous hash of the partition and the deterministic body'),
    stages: object(
      'Microseconds spent in each stage',
      Object.fromEntries(STAGES.map((stage) => [`${stage}Us`, number(`Time in ${stage}, µs`, { minimum: 0 })])),
    ),
  }),
  Capsule: object('All that is needed to reproduce a decision bit for bit', {
    decisionId: string('<partition>-<offset> of the application'),
    body: {
      type: 'object',
      description: 'The hashed body: input hash and position, vector (null = missing), member margins, attributions, reasons',
    },
    previousHash: hash('Capsule hash of the decision before it in the partition; 64 zeros for the first'),
    capsuleHash: hash('Hash of this capsule'),
    envelope: { type: 'object', description: 'Wall-clock time, stages, host, runtime: neither hashed nor replayed' },
  }),
  Pending: object('The deadline passed first; the decision will be found at Location', {
    status: string('Always pending', { const: 'pending' }),
    eventId: string('Event accepted'),
    decisionId: string('Id the decision will have'),
    detail: string('For people'),
  }),
  Receipt: object('An event made durable, now or before', {
    eventId: string('Event'),
    status: string('accepted now, or known before with the same bytes', { enum: ['accepted', 'duplicate'] }),
    duplicate: { type: 'boolean', description: 'True where the event was known; it has no second effect' },
    position,
  }),
  LineResult: object(
    'What became of one line',
    {
      line: integer('Line of the body, from 1', { minimum: 1 }),
      status: string('overloaded lines were not tried: send them again', {
        enum: ['accepted', 'duplicate', 'conflict', 'rejected', 'overloaded'],
      }),
      eventId: string('Event, where it was stored'),
      duplicate: { type: 'boolean', description: 'Where it was stored' },
      position,
      problem: ref('Problem'),
    },
    ['eventId', 'duplicate', 'position', 'problem'],
  ),
  WhatIfRequest: object(
    'A hypothesis',
    {
      application: {
        type: 'object',
        description: 'As the application event; eventId, producer, applicationId and kind may be left out',
        required: ['applicantId', 'eventTime', 'product', 'amount', 'currency', 'termMonths', 'purpose', 'channel'],
      },
      overlays: {
        type: 'object',
        description: 'Feature name → value to assume instead; null = missing',
        additionalProperties: { type: ['number', 'null'] },
      },
    },
    ['overlays'],
  ),
  WhatIf: object('What would be decided; nothing was written', {
    ...verdict,
    residual: number('Margin − base − Σ attributions'),
    knownUpTo: knownUpTo(),
  }),
  ApplicantFeatures: object('The feature vector as of the present state', {
    applicantId: string('Pseudonym'),
    featureSetHash: string('Feature set'),
    asOf: nullable(instant('Event time of the vector')),
    knownUpTo: knownUpTo(),
    features: array(
      object('One feature', {
        name: string('entity.kind.field.aggregate.window'),
        value: nullable(number('Value; null = missing')),
        unit: string('Unit'),
        description: string('Meaning'),
      }),
      'In vector order',
    ),
  }),
  Models: object('Models of the registry', {
    models: array({ type: 'object', description: 'Version, aliases, members, metrics with 95 % intervals, data' }, 'Newest last'),
  }),
  Replay: object(
    'A decision run again',
    {
      id: string('decisionId'),
      result: string('Whether every byte is the same', { enum: ['same', 'different'] }),
      capsuleHash: hash('Of both, where they are the same'),
      eventsFolded: integer('Events of the applicant before the application'),
      differences: array(
        object('A difference', {
          cause: string('data, feature, model, policy, degrade, runtime or chain'),
          detail: string('What differs'),
        }),
        'Where they differ',
      ),
    },
    ['capsuleHash', 'eventsFolded', 'differences'],
  ),
  Readiness: object('Whether work can be taken on', {
    ready: { type: 'boolean', description: 'All checks hold' },
    checks: array(
      object('One check', { name: string('What'), ok: { type: 'boolean', description: 'Holds' }, detail: string('Why, in words') }),
      'Checks',
    ),
  }),
  Problem: object(
    'A refusal (RFC 9457): what was wrong, where, and what to do',
    {
      type: string('urn:scorestream:problem:<code>'),
      title: string('For people'),
      status: integer('HTTP status'),
      detail: string('For people: this case'),
      instance: string('Path of the request'),
      code: string('Stable code', { enum: PROBLEM_CODES }),
      errors: array(
        object('One thing that was wrong', {
          pointer: string('RFC 6901 pointer into the body, or ?name of a parameter'),
          value: string('The offending value, shortened; masked where it is personal'),
          expected: string('What is expected there'),
          remedy: string('What to do'),
        }),
        'Where',
      ),
    },
    ['instance', 'errors'],
  ),
}

const eventName = (kind: string): string => `Event.${kind}`

export const componentSchemas = (): Record<string, JsonSchema> => ({
  Event: {
    description: 'Any event; kind says which',
    oneOf: EVENT_KINDS.map((kind) => ref(eventName(kind))),
    discriminator: {
      propertyName: 'kind',
      mapping: Object.fromEntries(EVENT_KINDS.map((kind) => [kind, `#/components/schemas/${eventName(kind)}`])),
    },
  },
  ...Object.fromEntries(EVENT_KINDS.map((kind) => [eventName(kind), plain(EVENT_SCHEMAS[kind])])),
  ...own,
})
