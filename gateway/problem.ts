/** Problem documents (RFC 9457): every refusal says what was wrong, where, and what to do. Codes are stable and lower-kebab. */
import type { FieldError, Rejection, RejectionCode } from '#schemas/rejection.ts'

/** Refusals of the gateway itself, beside those an event can earn. */
type GatewayCode =
  | 'not-found'
  | 'decision-not-found'
  | 'applicant-not-found'
  | 'method-not-allowed'
  | 'unsupported-media-type'
  | 'request-timeout'
  | 'unauthorized'
  | 'forbidden'
  | 'host-not-allowed'
  | 'origin-not-allowed'
  | 'invalid-parameter'
  | 'invalid-cursor'
  | 'cursor-expired'
  | 'upgrade-required'
  | 'overloaded'
  | 'storage-unavailable'
  | 'sql-failed'
  | 'sql-unavailable'
  | 'replay-unavailable'
  | 'internal'

export type ProblemCode = RejectionCode | GatewayCode

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance?: string
  readonly code: ProblemCode
  readonly errors?: readonly FieldError[]
}

const FACTS: Record<ProblemCode, readonly [status: number, title: string]> = {
  'malformed-json': [400, 'Not valid JSON'],
  'invalid-utf8': [400, 'Not valid UTF-8'],
  'schema-violation': [422, 'The event does not match its schema'],
  'unknown-kind': [422, 'Unknown kind of event'],
  'unknown-schema': [422, 'Unknown schema'],
  'too-large': [413, 'Too large'],
  'too-deep': [422, 'Nested too deeply'],
  'too-old': [422, 'The event is older than the retention horizon'],
  'too-far-ahead': [422, 'The event lies too far in the future'],
  'duplicate-conflict': [409, 'The event id was used before with other bytes'],
  poison: [422, 'The event cannot be processed'],
  'not-found': [404, 'No such resource'],
  'decision-not-found': [404, 'No such decision'],
  'applicant-not-found': [404, 'No such applicant'],
  'method-not-allowed': [405, 'Method not allowed'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  'request-timeout': [408, 'The request took too long to arrive'],
  unauthorized: [401, 'Credentials required'],
  forbidden: [403, 'The credentials do not allow this'],
  'host-not-allowed': [403, 'Host not allowed'],
  'origin-not-allowed': [403, 'Origin not allowed'],
  'invalid-parameter': [400, 'Invalid parameter'],
  'invalid-cursor': [400, 'Invalid cursor'],
  'cursor-expired': [410, 'The cursor lies before what is still held'],
  'upgrade-required': [426, 'WebSocket required'],
  overloaded: [503, 'Overloaded'],
  'storage-unavailable': [503, 'Storage unavailable'],
  'sql-failed': [422, 'The statement was refused or failed'],
  'sql-unavailable': [503, 'SQL is not available'],
  'replay-unavailable': [503, 'Replay is not available'],
  internal: [500, 'Internal error'],
}

export const PROBLEM_CODES = Object.keys(FACTS) as ProblemCode[]

export const problem = (code: ProblemCode, detail: string, errors?: readonly FieldError[]): Problem => {
  const [status, title] = FACTS[code]
  const document = { type: `urn:scorestream:problem:${code}`, title, status, detail, code }
  return errors === undefined || errors.length === 0 ? document : { ...document, errors }
}

export const rejectionProblem = (rejection: Rejection): Problem => problem(rejection.code, rejection.detail, rejection.errors)

/** A wrong query or path parameter. `pointer` names it as `?name`; the value is shortened, for it is foreign text. */
export const parameterProblem = (name: string, value: string, expected: string, remedy: string): Problem =>
  problem('invalid-parameter', `${name} must be ${expected}`, [{ pointer: `?${name}`, value: value.slice(0, 64), expected, remedy }])
