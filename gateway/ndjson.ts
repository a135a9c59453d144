/** Newline-delimited events: each line stands for itself, results in the order of the lines. */
import { isAscii } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ProducedEvent } from '#schemas/events.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { EVENT_BYTES_MAX, parseEvent, parseEventText } from '#schemas/parse-event.ts'
import type { GatewayCounters } from './counters.ts'
import type { Engine, IncomingEvent, IngestResult } from './ports.ts'
import { problem, rejectionProblem, type Problem } from './problem.ts'
import { lineReceiptJson } from './receipt.ts'

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

type Tally = { -readonly [name in keyof LinesOutcome]: LinesOutcome[name] }

/** A line that parsed. Its bytes are cut out only where somebody asks for them. */
class Line implements IncomingEvent {
  readonly event: ProducedEvent
  readonly #body: Buffer
  readonly #start: number
  readonly #stop: number
  constructor(event: ProducedEvent, body: Buffer, start: number, stop: number) {
    this.event = event
    this.#body = body
    this.#start = start
    this.#stop = stop
  }
  get bytes(): Uint8Array {
    return this.#body.subarray(this.#start, this.#stop)
  }
}

/** Lines that were taken together, in columns: what is held until they are durable is little, so that their events can go at once. */
interface Chunk {
  readonly numbers: readonly number[]
  /** Id of the event, or why the line holds none. */
  readonly outcomes: readonly (string | Refused)[]
}

interface Refused {
  readonly rejection: Rejection
  readonly bytes: Uint8Array
}

/** Goes over the lines of a body that are not blank. */
class Lines {
  readonly #body: Buffer
  #at = 0
  #number = 0
  start = 0
  stop = 0

  constructor(body: Buffer) {
    this.#body = body
  }
  /** Of the line that {@link next} found, from 1. */
  get number(): number {
    return this.#number
  }
  get bytes(): Buffer {
    return this.#body.subarray(this.start, this.stop)
  }
  get done(): boolean {
    return this.#at >= this.#body.length
  }

  next(): boolean {
    const body = this.#body
    while (this.#at < body.length) {
      const newline = body.indexOf(10, this.#at)
      const end = newline < 0 ? body.length : newline
      this.start = this.#at
      this.stop = end > this.start && body[end - 1] === 13 ? end - 1 : end
      this.#at = end + 1
      this.#number++
      if (this.stop > this.start) return true
    }
    return false
  }
}

const problemLine = (line: number, status: 'conflict' | 'rejected' | 'overloaded', document: Problem): string =>
  `{"line":${line},"status":"${status}","problem":${JSON.stringify(document)}}\n`

const OVERLOADED = problem('overloaded', 'more is arriving than can be made durable; send this line again later')

export const ingestLines = async (engine: Engine, body: Buffer, counters: GatewayCounters): Promise<LinesOutcome> => {
  const lines = new Lines(body)
  const ascii = isAscii(body)
  const tally: Tally = { lines: '', stored: 0, refused: 0, overloaded: 0 }
  for (;;) {
    if (!(await ingestChunk(engine, body, ascii, lines, counters, tally))) break
    if (lines.done) return tally
    await nextTurn()
  }
  while (lines.next()) {
    tally.lines += problemLine(lines.number, 'overloaded', OVERLOADED)
    tally.overloaded++
  }
  return tally
}

/** Not `async` itself: what awaits would hold on to every event until its receipt is written. False where the engine is overloaded. */
const ingestChunk = (
  engine: Engine,
  body: Buffer,
  ascii: boolean,
  lines: Lines,
  counters: GatewayCounters,
  tally: Tally,
): Promise<boolean> => {
  const { chunk, events } = check(body, ascii, lines)
  return ingestOrOverload(engine, events).then((results) =>
    receipts(engine, chunk, results, counters, tally).then(() => results !== undefined),
  )
}

const check = (body: Buffer, ascii: boolean, lines: Lines): { chunk: Chunk; events: readonly IncomingEvent[] } => {
  const numbers: number[] = []
  const outcomes: (string | Refused)[] = []
  const events: IncomingEvent[] = []
  while (numbers.length < LINES_AT_ONCE && lines.next()) {
    const { start, stop } = lines
    const plain = ascii && stop - start <= EVENT_BYTES_MAX
    const parsed = plain ? parseEventText(body.toString('latin1', start, stop)) : parseEvent(lines.bytes)
    numbers.push(lines.number)
    if (parsed.kind === 'rejected') outcomes.push({ rejection: parsed.rejection, bytes: lines.bytes })
    else {
      outcomes.push(parsed.value.eventId)
      events.push(new Line(parsed.value, body, start, stop))
    }
  }
  return { chunk: { numbers, outcomes }, events }
}

/** Writes a line for each; resolves once what was refused is kept. Lines without a result are to be sent again. */
const receipts = async (
  engine: Engine,
  { numbers, outcomes }: Chunk,
  results: readonly IngestResult[] | undefined,
  counters: GatewayCounters,
  tally: Tally,
): Promise<void> => {
  const letters: Promise<void>[] = []
  let text = ''
  let i = 0
  outcomes.forEach((outcome, at) => {
    const line = numbers[at] as number
    const result: IngestResult | undefined =
      typeof outcome === 'string' ? results?.[i++] : { status: 'rejected', position: null, rejection: outcome.rejection }
    if (result === undefined) {
      tally.overloaded++
      text += problemLine(line, 'overloaded', OVERLOADED)
      return
    }
    counters.events[result.status]++
    if (typeof outcome === 'string' && (result.status === 'accepted' || result.status === 'duplicate')) {
      tally.stored++
      text += `${lineReceiptJson(line, outcome, result)}\n`
    } else if (result.status === 'conflict' || result.status === 'rejected') {
      tally.refused++
      // What parsed and was refused by ingest, ingest has kept.
      if (typeof outcome !== 'string') letters.push(engine.deadLetter(outcome.bytes, outcome.rejection))
      text += problemLine(line, result.status, rejectionProblem(result.rejection))
    }
  })
  tally.lines += text
  if (letters.length > 0) await Promise.all(letters)
}

/** Undefined where the engine was overloaded: nothing of this call was appended. */
const ingestOrOverload = (engine: Engine, events: readonly IncomingEvent[]): Promise<readonly IngestResult[] | undefined> => {
  const { length } = events
  if (length === 0) return Promise.resolve([])
  return engine.ingest(events).then(
    (results) => {
      if (results.length !== length) throw new Error(`ingest gave ${results.length} results for ${length} events`)
      return results
    },
    (error: unknown) => {
      if ((error as { code?: unknown } | null)?.code === 'overloaded') return undefined
      throw error
    },
  )
}
