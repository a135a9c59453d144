/** Finding decisions by input position in the decisions log. Owners publish in order of position, so a binary search finds its place. */
import type { Decision } from '#schemas/decision.ts'
import { decodeDecisionRecord, peekDecision } from '#schemas/wire.ts'
import type { EventLog, LogRecord } from './ports.ts'
import { isBelieved, NO_CLAIM, seeClaim } from './protocol/belief.ts'

const PAGE_BYTES = 64 * 1024

/** The believed decision on `<partition>-<offset>` of the input, or undefined where there is none. */
export const findDecision = async (log: EventLog, partition: number, inputOffset: number): Promise<Decision | undefined> => {
  if (!(partition >= 0 && partition < log.partitions('decisions'))) return undefined
  const found = await search(log, partition, inputOffset)
  // A record of a superseded owner may lie in the way of the search or be what it found; the whole walk is then the judge.
  return found === 'unsure' ? firstBelieved(log, partition, inputOffset, Number.POSITIVE_INFINITY) : found
}

const search = async (log: EventLog, partition: number, wanted: number): Promise<Decision | undefined | 'unsure'> => {
  let low = log.start('decisions')[partition] as number
  let high = log.end('decisions')[partition] as number
  let lowEpoch = NO_CLAIM
  let highEpoch = Number.POSITIVE_INFINITY
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const probe = await firstDecision(log, partition, middle, high)
    if (probe === undefined) {
      high = middle
      continue
    }
    if (probe.epoch < lowEpoch || probe.epoch > highEpoch) return 'unsure'
    if (probe.offset === wanted) return judged(log, partition, probe.record, probe.epoch)
    if (probe.offset < wanted) {
      low = probe.record.offset + 1
      lowEpoch = probe.epoch
    } else {
      high = middle
      highEpoch = probe.epoch
    }
  }
  return lowEpoch === NO_CLAIM && highEpoch === Number.POSITIVE_INFINITY ? undefined : nearMiss(log, partition, low, wanted)
}

/** A page of records from `from` on, or all there is: one read may give less. */
const pageFrom = async (log: EventLog, partition: number, from: number): Promise<readonly LogRecord[]> => {
  const out: LogRecord[] = []
  let bytes = 0
  for (let next = from; bytes < PAGE_BYTES && next < (log.end('decisions')[partition] as number);) {
    const records = await log.read('decisions', partition, next, PAGE_BYTES - bytes)
    for (const record of records) {
      out.push(record)
      bytes += record.value.length
      next = record.offset + 1
    }
    if (records.length === 0) break
  }
  return out
}

/** Nothing at its place: sure of it only where no superseded owner wrote nearby. */
const nearMiss = async (log: EventLog, partition: number, at: number, wanted: number): Promise<undefined | 'unsure'> => {
  const end = log.end('decisions')[partition] as number
  if (at >= end) return undefined
  const records = await pageFrom(log, partition, at)
  return records.some((record) => {
    const facts = peekDecision(record.value)
    return facts.kind === 'decision' && facts.offset <= wanted
  })
    ? 'unsure'
    : undefined
}

const firstDecision = async (
  log: EventLog,
  partition: number,
  from: number,
  end: number,
): Promise<{ record: LogRecord; offset: number; epoch: number } | undefined> => {
  for (let next = from; next < end;) {
    const records = await log.read('decisions', partition, next, PAGE_BYTES)
    for (const record of records) {
      if (record.offset >= end) return undefined
      const facts = peekDecision(record.value)
      if (facts.kind === 'decision') return { record, offset: facts.offset, epoch: facts.epoch }
      next = record.offset + 1
    }
    if (records.length === 0) return undefined
  }
  return undefined
}

/** A record is believed for sure where its neighbourhood shows no claim between its epoch and itself. */
const judged = async (log: EventLog, partition: number, record: LogRecord, epoch: number): Promise<Decision | 'unsure'> => {
  const from = Math.max(epoch + 1, record.offset - 64, log.start('decisions')[partition] as number)
  for (const before of from < record.offset ? await pageFrom(log, partition, from) : []) {
    if (before.offset >= record.offset) break
    const facts = peekDecision(before.value)
    if (facts.kind === 'claim' || (facts.kind === 'decision' && facts.epoch > epoch)) return 'unsure'
  }
  const decoded = decodeDecisionRecord(record.value)
  return decoded.kind === 'decision' ? decoded.decision : 'unsure'
}

/** The first believed decision on an input position among the records below `before`, by walking the partition from its start. */
export const firstBelieved = async (log: EventLog, partition: number, wanted: number, before: number): Promise<Decision | undefined> => {
  let newest = NO_CLAIM
  const end = Math.min(before, log.end('decisions')[partition] as number)
  for (let next = log.start('decisions')[partition] as number; next < end;) {
    const records = await log.read('decisions', partition, next, 1024 * 1024)
    // Offsets may have holes at the end (control records of a broker).
    if (records.length === 0) break
    for (const record of records) {
      next = record.offset + 1
      if (record.offset >= before) return undefined
      const facts = peekDecision(record.value)
      if (facts.kind === 'claim') newest = seeClaim(newest, record.offset)
      if (facts.kind !== 'decision' || facts.offset !== wanted || !isBelieved(newest, facts.epoch)) continue
      const decoded = decodeDecisionRecord(record.value)
      if (decoded.kind === 'decision') return decoded.decision
    }
  }
  return undefined
}
