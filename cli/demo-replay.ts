/** Sends the demo stream into the engine at a rate, remembering how far it came. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IncomingEvent, Ingest } from '#gateway/ports.ts'
import type { ProducedEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import type { DemoStream } from '#streams/demo/demo-stream.ts'

/** Events of one ingest call: large enough to amortise, small enough that HTTP callers never wait long behind it. */
const BATCH = 256
/** Protected attributes go to the vault in calls of this size between batches. */
const PROTECTED_BATCH = 64
/** How often the position is written down; what was sent since is recognised as duplicate after a crash. */
const REMEMBER_MS = 1_000

export type Pace =
  | { readonly kind: 'as-fast-as-possible' }
  /** Events per second. History before the first application goes as fast as possible. */
  | { readonly kind: 'rate'; readonly perSecond: number }
  /** Seconds of event time per second. History before the first application goes as fast as possible. */
  | { readonly kind: 'speed'; readonly factor: number }

export interface DemoReplay {
  /** Events acknowledged so far, earlier runs included. */
  readonly sent: () => number
  readonly finished: Promise<void>
  stop(): Promise<void>
}

const positionFile = (dataDir: string): string => join(dataDir, 'demo-position.json')

const readPosition = (dataDir: string): number => {
  const path = positionFile(dataDir)
  return existsSync(path) ? ((JSON.parse(readFileSync(path, 'utf8')) as { sent: number }).sent ?? 0) : 0
}

const writePosition = (dataDir: string, sent: number): void => {
  const path = positionFile(dataDir)
  writeFileSync(`${path}.new`, JSON.stringify({ sent }))
  renameSync(`${path}.new`, path)
}

const incoming = (event: ProducedEvent): IncomingEvent => ({ event, bytes: Buffer.from(JSON.stringify(eventToJson(event))) })

/** How many events are due `elapsedMs` after the paced part began at index `from`. */
const dueCount = (pace: Pace, stream: DemoStream, from: number, elapsedMs: number, sent: number): number => {
  if (pace.kind === 'as-fast-as-possible') return stream.count
  if (pace.kind === 'rate') return Math.min(stream.count, from + Math.floor((elapsedMs / 1000) * pace.perSecond))
  const until = stream.event(from).eventTime + elapsedMs * pace.factor
  let index = sent
  while (index < stream.count && index < sent + BATCH && stream.event(index).eventTime <= until) index += 1
  return index
}

export interface DemoReplayOptions {
  readonly stream: DemoStream
  readonly ingest: Ingest
  readonly dataDir: string
  readonly pace: Pace
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly onSent: (sent: number) => void
}

export const startDemoReplay = ({ stream, ingest, dataDir, pace, now, onSent }: DemoReplayOptions): DemoReplay => {
  let sent = Math.min(stream.count, readPosition(dataDir))
  let stopping = false
  let remembered = now()

  /** Overload is no loss here: the same events are offered again. */
  const offer = async (events: readonly IncomingEvent[]): Promise<void> => {
    for (;;) {
      try {
        await ingest(events)
        return
      } catch (error) {
        if (stopping || !(error instanceof Error && 'code' in error && error.code === 'overloaded')) throw error
        await sleep(5)
      }
    }
  }

  const sendUpTo = async (due: number): Promise<void> => {
    while (sent < due && !stopping) {
      const events: IncomingEvent[] = []
      for (let index = sent; index < Math.min(due, sent + BATCH); index++) events.push(incoming(stream.event(index)))
      await offer(events)
      sent += events.length
      if (now() - remembered > REMEMBER_MS) {
        remembered = now()
        writePosition(dataDir, sent)
      }
      onSent(sent)
    }
  }

  /** The vault is filled first: it is small, and fairness needs the attributes when the first decision falls. */
  const sendProtected = async (): Promise<void> => {
    let batch: IncomingEvent[] = []
    for (const event of stream.protectedEvents()) {
      if (stopping) return
      batch.push(incoming(event))
      if (batch.length === PROTECTED_BATCH) {
        await offer(batch)
        batch = []
      }
    }
    await offer(batch)
  }

  const run = async (): Promise<void> => {
    const fresh = sent === 0
    const history = pace.kind === 'as-fast-as-possible' ? stream.count : stream.firstApplication
    await sendUpTo(Math.max(sent, history))
    const vault = fresh ? sendProtected() : Promise.resolve()
    const from = sent
    const began = now()
    while (sent < stream.count && !stopping) {
      const due = dueCount(pace, stream, from, now() - began, sent)
      if (due > sent) await sendUpTo(due)
      else await sleep(5)
    }
    await vault
  }

  const finished = run().finally(() => writePosition(dataDir, sent))
  return {
    sent: () => sent,
    finished,
    async stop() {
      stopping = true
      await finished.catch(() => {})
    },
  }
}
