/**
 * The demo stream as request bodies, serialised once. Each lap writes its number over a mark in the identifiers, so that every lap has
 * new events (a repeated event is recognised as a duplicate and costs little) without serialising anything while the clock runs.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventToJson } from '#schemas/parse-event.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'

/**
 * What is sent: account histories once, histories of ever new applicants, or applications of the applicants of `history`; or, new each
 * lap, account events and applications of the demo stream's own applicants, so that nothing that is kept of applicants grows.
 */
export type LoadKind = 'history' | 'behavioural' | 'applications' | 'demo-behavioural' | 'demo-applications'

/** Events of the whole demo stream, protected ones not counted. */
export const DEMO_EVENTS = 383_103

const MARK = 'N000'
const MARK_BYTES = Buffer.from(MARK)
const KNOWN = 'H000'
const DATA = join(import.meta.dirname, '../data/taiwan/taiwan-credit-default.csv.gz')

export interface LoadBody {
  readonly bytes: Buffer
  /** Where marks lie. */
  readonly marks: Int32Array
  readonly events: number
}

const marksIn = (bytes: Buffer): Int32Array => {
  const found: number[] = []
  for (let at = bytes.indexOf(MARK_BYTES); at >= 0; at = bytes.indexOf(MARK_BYTES, at + MARK.length)) found.push(at)
  return Int32Array.from(found)
}

const rekey = (kind: LoadKind, json: Record<string, unknown>): string => {
  const prefix = (own: string) => (_: string, value: unknown) =>
    typeof value === 'string' && value.startsWith('tw-') ? own + value.slice(2) : value
  if (kind === 'history' || kind === 'behavioural') return JSON.stringify(json, prefix(kind === 'history' ? KNOWN : MARK))
  const renew = (id: unknown): string => MARK + String(id).slice(2)
  const renewed = { ...json, eventId: renew(json['eventId']) }
  if ('applicationId' in json) Object.assign(renewed, { applicationId: renew(json['applicationId']) })
  return JSON.stringify(renewed, kind === 'applications' ? prefix(KNOWN) : undefined)
}

/** Bodies of `linesPerBody` events each, NDJSON; with 1, a single JSON event. */
export const loadBodies = (kind: LoadKind, linesPerBody: number): LoadBody[] => {
  const stream = demoStream(readFileSync(DATA))
  const wanted = kind.endsWith('applications') ? ['application'] : ['statement', 'payment']
  const bodies: LoadBody[] = []
  let lines: string[] = []
  const flush = (): void => {
    if (lines.length === 0) return
    const bytes = Buffer.from(lines.join('\n'))
    bodies.push({ bytes, marks: marksIn(bytes), events: lines.length })
    lines = []
  }
  for (const event of stream.events()) {
    if (!wanted.includes(event.kind)) continue
    lines.push(rekey(kind, eventToJson(event)))
    if (lines.length === linesPerBody) flush()
  }
  flush()
  return bodies
}

/** The number of a lap as it stands in identifiers: three base-36 digits, 46,656 laps. */
const lapText = (lap: number): string => lap.toString(36).padStart(3, '0')

/** Writes a lap's number into a body, in place. A body is sent by one connection at a time. */
export const stamp = ({ bytes, marks }: LoadBody, lap: number): Buffer => {
  const text = lapText(lap)
  for (const at of marks) bytes.write(text, at + 1, 3, 'latin1')
  return bytes
}
