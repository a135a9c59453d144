/** What a producer is told of one event. */
import type { IngestResult, Position } from './ports.ts'

const positionJson = (position: Position | null): string =>
  position === null ? 'null' : `{"partition":${position.partition},"offset":${position.offset}}`

type Stored = IngestResult & { readonly status: 'accepted' | 'duplicate' }

/** Members of the receipt's object. Identifiers need no escaping: their pattern admits none of the characters that would. */
const members = (eventId: string, result: Stored): string =>
  `"eventId":"${eventId}","status":"${result.status}","duplicate":${result.status === 'duplicate'},"position":${positionJson(result.position)}`

export const receiptJson = (eventId: string, result: Stored): string => `{${members(eventId, result)}}`

/** The same for a line of a body, counted from 1. */
export const lineReceiptJson = (line: number, eventId: string, result: Stored): string => `{"line":${line},${members(eventId, result)}}`
