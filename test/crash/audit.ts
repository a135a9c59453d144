/** Reads both logs as any consumer may, and says what was lost, doubled or contradicted. */
import { join } from 'node:path'
import { decodeDecisionRecord, decodeEvent } from '#schemas/wire.ts'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import type { EventLog, LogRecord, Topic } from '#streams/ports.ts'
import { verifyChain } from '#streams/verify-chain.ts'
import type { LedgerEntry } from './producer.ts'

export interface Audit {
  readonly inputs: number
  readonly applications: number
  readonly decisions: number
  /** Byte-identical repeats of a decision: harmless by position. */
  readonly repeated: number
  readonly claims: number
  readonly findings: readonly string[]
  /** Input position → capsule hash of the believed decision. */
  readonly hashes: ReadonlyMap<string, string>
}

const PAGE_BYTES = 1 << 20

async function* recordsOf(log: EventLog, topic: Topic, partition: number): AsyncGenerator<LogRecord> {
  let at = log.start(topic)[partition] ?? 0
  for (;;) {
    const page = await log.read(topic, partition, at, PAGE_BYTES)
    if (page.length === 0) return
    yield* page
    at = (page.at(-1)?.offset ?? at) + 1
  }
}

export const audit = async (dataDir: string, ledger: ReadonlyMap<string, LedgerEntry>): Promise<Audit> => {
  const { partitions } = readFormat(dataDir)
  const log = openReadOnly({
    folder: join(dataDir, 'log'),
    partitions: topicPartitions(partitions),
    topics: ['credit-events', 'decisions'],
  })
  const findings: string[] = []
  const places = new Map<string, string[]>()
  const applications = new Map<string, string>()
  const hashes = new Map<string, string>()
  const decided = new Map<string, string>()
  let [inputs, repeated, claims] = [0, 0, 0]
  try {
    for (let partition = 0; partition < partitions; partition++) {
      for await (const { offset, value } of recordsOf(log, 'credit-events', partition)) {
        inputs += 1
        const event = decodeEvent(value)
        if (event.kind === 'rejected') {
          findings.push(`input ${partition}-${offset} is no event: ${event.rejection.detail}`)
          continue
        }
        const { eventId } = event.value
        places.set(eventId, [...(places.get(eventId) ?? []), `${partition}-${offset}`])
        if (event.value.kind === 'application') applications.set(`${partition}-${offset}`, event.value.applicationId)
      }
      let epoch = -1
      for await (const { offset, value } of recordsOf(log, 'decisions', partition)) {
        const record = decodeDecisionRecord(value)
        if (record.kind === 'rejected') findings.push(`decisions ${partition}-${offset}: ${record.rejection.detail}`)
        else if (record.kind === 'claim') {
          claims += 1
          epoch = offset
        } else if (record.decision.epoch >= epoch) {
          const { body, capsuleHash } = record.decision
          const position = `${body.partition}-${body.offset}`
          const before = hashes.get(position)
          if (before === capsuleHash) repeated += 1
          else if (before !== undefined) findings.push(`position ${position} has two contents: ${before} and ${capsuleHash}`)
          hashes.set(position, capsuleHash)
          const other = decided.get(body.applicationId)
          if (other !== undefined && other !== position)
            findings.push(`application ${body.applicationId} is decided at ${other} and at ${position}`)
          decided.set(body.applicationId, position)
        }
      }
    }
    for (let partition = 0; partition < partitions; partition++)
      for (const { code, at, detail } of (await verifyChain(log, partition)).faults)
        findings.push(`chain of ${partition}: ${code} at ${at}: ${detail}`)
    for (const [eventId, at] of places)
      if (at.length > 1) findings.push(`event ${eventId} is in the log ${at.length} times: ${at.join(', ')}`)
    for (const [eventId, { partition, offset }] of ledger)
      if (!places.get(eventId)?.includes(`${partition}-${offset}`))
        findings.push(`acknowledged event ${eventId} is missing at ${partition}-${offset}`)
    for (const [position, id] of applications) if (!hashes.has(position)) findings.push(`application ${id} at ${position} has no decision`)
    return { inputs, applications: applications.size, decisions: hashes.size, repeated, claims, findings, hashes }
  } finally {
    await log.close()
  }
}
