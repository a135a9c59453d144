/** The OpenAPI 3.1 document, from the same schemas that check the events. */
import { EVENT_BYTES_MAX } from '#schemas/parse-event.ts'
import { answer, BODY_REFUSALS, content, path, query, refusal, REFUSALS } from './openapi-parts.ts'
import { componentSchemas, ref } from './openapi-schemas.ts'
import { DEADLINE_MS_MAX } from './ports.ts'
import type { GatewayLimits } from './settings.ts'

const APPLICATION_EXAMPLE = {
  eventId: 'e-1001',
  kind: 'application',
  applicantId: 'client-17',
  eventTime: '2005-10-01T09:30:00Z',
  producer: 'curl',
  applicationId: 'app-1001',
  product: 'credit-line',
  amount: 5_000_000,
  currency: 'TWD',
  termMonths: 0,
  purpose: 'line-increase',
  channel: 'online',
}
const PAYMENT_EXAMPLE = {
  eventId: 'e-1000',
  kind: 'payment',
  applicantId: 'client-17',
  eventTime: '2005-09-20T12:00:00Z',
  producer: 'curl',
  accountId: 'account-17',
  amount: 250_000,
  currency: 'TWD',
  period: '2005-08',
}
const { eventId: _event, kind: _kind, producer: _producer, applicationId: _application, ...hypothesis } = APPLICATION_EXAMPLE

const mebibytes = (bytes: number): string => `${bytes / 2 ** 20} MiB`

const eventPaths = (limits: GatewayLimits) => ({
  '/v1/events': {
    post: {
      operationId: 'postEvents',
      tags: ['Send'],
      summary: 'Send one event, or many as NDJSON',
      description:
        `Answered once durable. A retry with the same producer, eventId and bytes is a duplicate without second effect. Bodies up to ${mebibytes(limits.bodyBytesMax)}, ` +
        `events up to ${mebibytes(EVENT_BYTES_MAX)}. Rejected events are kept in the dead letters, bytes and reason. NDJSON is answered by one result a line, in order.`,
      requestBody: {
        required: true,
        content: {
          ...content(ref('Event'), PAYMENT_EXAMPLE),
          ...content({ type: 'string', description: 'One event a line' }, `${JSON.stringify(PAYMENT_EXAMPLE)}\n`, 'application/x-ndjson'),
        },
      },
      responses: {
        ...BODY_REFUSALS,
        '200': answer('Known before: a duplicate', ref('Receipt')),
        '202': {
          description: 'Durable',
          content: { ...content(ref('Receipt')), ...content(ref('LineResult'), undefined, 'application/x-ndjson') },
        },
        '207': answer('Some lines were not stored; each line says which and why', ref('LineResult'), 'application/x-ndjson'),
        '409': refusal('The event id was used before with other bytes'),
      },
    },
  },
  '/v1/applications': {
    post: {
      operationId: 'decide',
      tags: ['Send'],
      summary: 'Send an application and wait for its decision',
      description: 'Goes the same way as every event. When the deadline passes first, 202 and Location say where the decision will be.',
      parameters: [
        query('deadlineMs', 'How long to wait, in milliseconds', {
          type: 'integer',
          minimum: 1,
          maximum: DEADLINE_MS_MAX,
          default: limits.deadlineMsDefault,
        }),
      ],
      requestBody: { required: true, content: content(ref('Event.application'), APPLICATION_EXAMPLE) },
      responses: {
        ...BODY_REFUSALS,
        '200': answer('Decided', ref('Decision')),
        '202': {
          ...answer('Accepted, not decided within the deadline', ref('Pending')),
          headers: { Location: { description: 'Where the decision will be', schema: { type: 'string' } } },
        },
        '409': refusal('The event id was used before with other bytes'),
      },
    },
  },
  '/v1/what-if': {
    post: {
      operationId: 'whatIf',
      tags: ['Ask'],
      summary: 'Score a hypothesis on the present state; nothing is written',
      requestBody: { required: true, content: content(ref('WhatIfRequest'), { application: hypothesis, overlays: {} }) },
      responses: { ...BODY_REFUSALS, '200': answer('What would be decided', ref('WhatIf')) },
    },
  },
})

const DECISION_ID = path('id', '<partition>-<offset>: decisionId', { type: 'string', pattern: '^\\d{1,6}-\\d{1,16}$' }, '0-0')

const readPaths = () => ({
  '/v1/sql': {
    post: {
      operationId: 'askSql',
      tags: ['Ask'],
      summary: 'Ask the warehouse in SQL; reads only',
      description:
        'The body is one ClickHouse statement, answered in JSONCompact unless it names a FORMAT. The same rules as on the SQL port, at most 100,000 rows and 16 MiB: ' +
        'larger results belong to the SQL port.',
      requestBody: {
        required: true,
        content: content(
          { type: 'string', description: 'One statement' },
          'SELECT decision, count() AS n FROM decisions_latest GROUP BY decision',
          'application/sql',
        ),
      },
      responses: {
        ...BODY_REFUSALS,
        '200': answer('The result', { type: 'object' }),
        '422': refusal('Refused or failed; detail is the engine’s own message'),
        '503': refusal('No warehouse runs, or it is busy: send again after Retry-After'),
      },
    },
  },
  '/v1/decisions/{id}/replay': {
    post: {
      operationId: 'replayDecision',
      tags: ['Ask'],
      summary: 'Run a past decision again and compare it bit for bit',
      description: 'Refolds the applicant from the log in a fresh process, with the model and policy of that time. Takes a second or more.',
      parameters: [DECISION_ID],
      responses: {
        ...REFUSALS,
        '200': answer('The same, or the cause of each difference', ref('Replay')),
        '404': refusal('Nothing was decided there so far'),
        '503': refusal('Too many replays are under way'),
      },
    },
  },
  '/v1/decisions/{id}': {
    get: {
      operationId: 'getDecision',
      tags: ['Ask'],
      summary: 'A decision with its reasons, or its whole capsule',
      parameters: [DECISION_ID, query('capsule', 'true: the whole capsule', { type: 'boolean', default: false })],
      responses: {
        ...REFUSALS,
        '200': answer('Found', { anyOf: [ref('Decision'), ref('Capsule')] }),
        '404': refusal('Nothing was decided there so far'),
      },
    },
  },
  '/v1/applicants/{id}/features': {
    get: {
      operationId: 'getApplicantFeatures',
      tags: ['Ask'],
      summary: 'What is known of an applicant: the feature vector',
      parameters: [path('id', 'applicantId', { type: 'string', pattern: '^[A-Za-z0-9._:~-]{1,128}$' }, 'client-17')],
      responses: {
        ...REFUSALS,
        '200': answer('Found', ref('ApplicantFeatures')),
        '404': refusal('No event of this applicant has been seen'),
      },
    },
  },
  '/v1/models': {
    get: {
      operationId: 'getModels',
      tags: ['Ask'],
      summary: 'Published models, their aliases and measured quality',
      responses: { ...REFUSALS, '200': answer('Models', ref('Models')) },
    },
  },
  '/v1/feed': {
    get: {
      operationId: 'feed',
      tags: ['Watch'],
      summary: 'Live decisions over a WebSocket',
      description:
        'Messages are JSON {cursor, kind, …}: kind decision carries a decision; alert one that opened or ended, and revision what a late event would have changed in a decision (both to subscribers without a filter); conflated says how many were left out (zeros: a sign of life). Reconnect with the last ' +
        'cursor to go on without gap or repeat. Browsers send a token as subprotocols scorestream.v1, bearer.<token>. Close code 4410: the cursor is older than what is held.',
      parameters: [
        query('after', 'Cursor of the last message seen; earliest; latest (default); or -n: begin about n decisions ago (at most 1000)', {
          type: 'string',
        }),
        query('filter', 'Clauses joined by commas, alternatives by |', {
          type: 'string',
          examples: ['decision:decline|refer,product:mortgage'],
        }),
        query('mode', 'all: nothing is left out, a slow reader falls behind. live: nothing is late, a slow reader gets counts', {
          type: 'string',
          enum: ['all', 'live'],
          default: 'all',
        }),
      ],
      responses: {
        ...REFUSALS,
        '101': { description: 'The connection is a WebSocket now' },
        '410': refusal('The cursor lies before what is still held'),
        '426': refusal('Asked without a WebSocket upgrade'),
        '503': refusal('Too many subscribers'),
      },
    },
  },
})

const OPEN: readonly never[] = []
const servicePaths = () => ({
  '/healthz': {
    get: {
      operationId: 'health',
      tags: ['Operate'],
      summary: 'The process lives',
      security: OPEN,
      responses: { '200': answer('It does', { type: 'object' }) },
    },
  },
  '/readyz': {
    get: {
      operationId: 'ready',
      tags: ['Operate'],
      summary: 'Work can be taken on',
      security: OPEN,
      responses: { '200': answer('Ready', ref('Readiness')), '503': answer('Not ready; the checks say why', ref('Readiness')) },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      tags: ['Operate'],
      summary: 'Metrics in Prometheus text format',
      responses: { ...REFUSALS, '200': answer('Metrics', { type: 'string' }, 'text/plain') },
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'openapi',
      tags: ['Operate'],
      summary: 'This document',
      security: OPEN,
      responses: { '200': answer('OpenAPI 3.1', { type: 'object' }) },
    },
  },
})

export const openapiDocument = (limits: GatewayLimits) => ({
  openapi: '3.1.0',
  info: {
    title: 'Scorestream',
    version: '1',
    summary: 'Credit events in, explained decisions out',
    description: 'Money is in integer minor units. Instants are RFC 3339 in UTC. Every refusal is a problem document.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [{ bearer: [] }, {}],
  tags: [
    { name: 'Send', description: 'Events and applications' },
    { name: 'Ask', description: 'Decisions, applicants, models, hypotheses' },
    { name: 'Watch', description: 'The live feed' },
    { name: 'Operate', description: 'Health and metrics' },
  ],
  paths: { ...eventPaths(limits), ...readPaths(), ...servicePaths() },
  components: {
    schemas: componentSchemas(),
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'One of gateway.credentials; on loopback none are needed unless configured' },
    },
  },
})
