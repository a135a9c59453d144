/** Newline-delimited events: each line stands for itself, results in the order of the lines. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Rejection } from '#schemas/rejection.ts'
import { parseEvent } from '#schemas/parse-event.ts'
import type { GatewayCounters } from './counters.ts'
import type { Engine, IncomingEvent, IngestResult } from './ports.ts'
import { problem, rejectionProblem, type Problem } from './problem.ts'
import { receiptJson } from './receipt.ts'

/** Lines parsed and appended together: some 5 ms of parsing, so that other requests are not kept waiting. */
const LINES_AT_ONCE = 512

export interface LinesOutcome {
  /** NDJSON: `{line, status, …}` for every line that is not blank. Lines count from 1. */
  readonly lines: string
  /** Accepted now or before. */
  readonly stored: number
  readonly refused: number
  /** Lines not tried because the engine was overloaded: send these again. */
  readonly overloaded: number
}

interface Line {
  readonly number: number
  readonly bytes: Buffer
}

type Checked = { readonly line: Line; readonly eventId: string } | { readonly line: Line; readonly rejection: Rejection }

/** Lines of `body` from `at`, at most `count` that are not blank; `next` is where to go on. */
const takeLines = (body: Buffer, from: { at: number; number: number }, count: number): Line[] => {
  const lines: Line[] = []
  while (from.at < body.length && lines.length < count) {
    const newline = body.indexOf(10, from.at)
    const end = newline < 0 ? body.length : newline
    const stop = end > from.at && body[end - 1] === 13 ? end - 1 : end
    if (stop > from.at) lines.push({ number: from.number, bytes: body.subarray(from.at, stop) })
    from.at = end + 1
    from.number++
  }
  return lines
}

const problemLine = (line: number, status: 'conflict' | 'rejected' | 'overloaded', document: Problem): string =>
  `{"line":${line},"status":"${status}","problem":${JSON.stringify(document)}}\n`

const OVERLOADED = problem('overloaded', 'more is arriving than can be made durable; send this line again later')

export const ingestLines = async (engine: Engine, body: Buffer, counters: GatewayCounters): Promise<LinesOutcome> => {
  const from = { at: 0, number: 1 }
  const out: string[] = []
  const count = { stored: 0, refused: 0, overloaded: 0 }
  let overloaded = false
  for (;;) {
    const lines = takeLines(body, from, LINES_AT_ONCE)
    if (lines.length === 0) return { lines: out.join(''), ...count }
    if (overloaded) {
      for (const line of lines) out.push(problemLine(line.number, 'overloaded', OVERLOADED))
      count.overloaded += lines.length
      continue
    }
    const { checked, events } = check(lines)
    const results = await ingestOrOverload(engine, events)
    overloaded = results === undefined
    const letters: Promise<void>[] = []
    let i = 0
    for (const one of checked) {
      const result: IngestResult | undefined =
        'rejection' in one ? { status: 'rejected', position: null, rejection: one.rejection } : results?.[i++]
      if (result === undefined) {
        count.overloaded++
        out.push(problemLine(one.line.number, 'overloaded', OVERLOADED))
        continue
      }
      counters.events[result.status]++
      if (result.status === 'accepted' || result.status === 'duplicate') {
        count.stored++
        out.push(`{"line":${one.line.number},${receiptJson('eventId' in one ? one.eventId : '', result).slice(1)}\n`)
      } else {
        count.refused++
        // What parsed and was refused by ingest, ingest has kept.
        if ('rejection' in one) letters.push(engine.deadLetter(one.line.bytes, one.rejection))
        out.push(problemLine(one.line.number, result.status, rejectionProblem(result.rejection)))
      }
    }
    await Promise.all(letters)
    await nextTurn()
  }
}

const check = (lines: readonly Line[]) => {
  const checked: Checked[] = []
  const events: IncomingEvent[] = []
  for (const line of lines) {
    const parsed = parseEvent(line.bytes)
    if (parsed.kind === 'rejected') checked.push({ line, rejection: parsed.rejection })
    else {
      checked.push({ line, eventId: parsed.value.eventId })
      events.push({ event: parsed.value, bytes: line.bytes })
    }
  }
  return { checked, events }
}

/** Undefined where the engine was overloaded: nothing of this call was appended. */
const ingestOrOverload = async (engine: Engine, events: readonly IncomingEvent[]): Promise<readonly IngestResult[] | undefined> => {
  if (events.length === 0) return []
  try {
    const results = await engine.ingest(events)
    if (results.length !== events.length) throw new Error(`ingest gave ${results.length} results for ${events.length} events`)
    return results
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'overloaded') return undefined
    throw error
  }
}
