/** What a producer is told of one event. */
import type { IngestResult, Position } from './ports.ts'

const positionJson = (position: Position | null): string =>
  position === null ? 'null' : `{"partition":${position.partition},"offset":${position.offset}}`

/** Identifiers need no escaping: their pattern admits none of the characters that would. */
export const receiptJson = (eventId: string, result: IngestResult & { status: 'accepted' | 'duplicate' }): string =>
  `{"eventId":"${eventId}","status":"${result.status}","duplicate":${result.status === 'duplicate'},"position":${positionJson(result.position)}}`
