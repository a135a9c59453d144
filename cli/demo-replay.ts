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

/** Events and protected events acknowledged. */
interface DemoPosition {
  sent: number
  vaulted: number
}

const readPosition = (dataDir: string): DemoPosition => {
  const path = positionFile(dataDir)
  return { sent: 0, vaulted: 0, ...(existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Partial<DemoPosition>) : {}) }
}

const writePosition = (dataDir: string, position: DemoPosition): void => {
  const path = positionFile(dataDir)
  writeFileSync(`${path}.new`, JSON.stringify(position))
  renameSync(`${path}.new`, path)
}

/** The bytes a producer would have sent are made only if somebody asks: on a conflict, or for the vault. */
const incoming = (event: ProducedEvent): IncomingEvent => ({
  event,
  get bytes() {
    return Buffer.from(JSON.stringify(eventToJson(event)))
  },
})

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
  const position = readPosition(dataDir)
  let sent = Math.min(stream.count, position.sent)
  const remember = (): void => writePosition(dataDir, { sent, vaulted: position.vaulted })
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
        remember()
      }
      onSent(sent)
    }
  }

  /** Beside the stream: fairness needs the attributes of whoever is decided. */
  const sendProtected = async (): Promise<void> => {
    let batch: IncomingEvent[] = []
    let index = 0
    for (const event of stream.protectedEvents()) {
      if (stopping) return
      if (index++ < position.vaulted) continue
      batch.push(incoming(event))
      if (batch.length === PROTECTED_BATCH) {
        await offer(batch)
        position.vaulted = index
        batch = []
      }
    }
    await offer(batch)
    position.vaulted = index
  }

  const run = async (): Promise<void> => {
    const history = pace.kind === 'as-fast-as-possible' ? stream.count : stream.firstApplication
    await sendUpTo(Math.max(sent, history))
    const vault = sendProtected()
    const from = sent
    const began = now()
    while (sent < stream.count && !stopping) {
      const due = dueCount(pace, stream, from, now() - began, sent)
      if (due > sent) await sendUpTo(due)
      else await sleep(5)
    }
    remember()
    await vault
  }

  const finished = run().finally(remember)
  return {
    sent: () => sent,
    finished,
    async stop() {
      stopping = true
      await finished.catch(() => {})
    },
  }
}
