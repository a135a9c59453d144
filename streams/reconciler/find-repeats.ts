/** Which of some undecided applications are a producer's retry: the same producer and event id stand at an earlier position of the partition. */
import { applicationIn, type Input, inputOf } from '../input.ts'
import type { EventLog, LogRecord } from '../ports.ts'
import { idOf } from './known-ids.ts'

const PAGE_BYTES = 1024 * 1024

const idIn = (record: LogRecord, input: Input): string | undefined => {
  const application = applicationIn(record, input)
  return application === undefined ? undefined : idOf(application)
}

/** Walks the partition once for all of them, one page in memory. `positions` ascending. */
export const findRepeats = async (log: EventLog, partition: number, positions: readonly number[]): Promise<ReadonlySet<number>> => {
  const input = inputOf(log)
  const wanted = new Map<string, number[]>()
  for (const position of positions) {
    const [record] = await log.read('credit-events', partition, position, 1)
    const id = record?.offset === position ? idIn(record, input) : undefined
    if (id !== undefined) wanted.set(id, [...(wanted.get(id) ?? []), position])
  }
  const repeats = new Set<number>()
  const last = positions.at(-1) ?? 0
  for (let next = log.start('credit-events')[partition] ?? 0; next < last && wanted.size > 0;) {
    const records = await log.read('credit-events', partition, next, PAGE_BYTES)
    if (records.length === 0) break
    for (const record of records) {
      if (record.offset >= last) break
      const id = idIn(record, input)
      for (const position of id === undefined ? [] : (wanted.get(id) ?? [])) if (record.offset < position) repeats.add(position)
      if (id !== undefined && (wanted.get(id) ?? []).every((position) => repeats.has(position))) wanted.delete(id)
    }
    next = (records.at(-1) as LogRecord).offset + 1
  }
  return repeats
}
