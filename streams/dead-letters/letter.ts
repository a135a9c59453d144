/** A dead letter as people handle it: its id, its event as JSON where it can be read, and the walk over all of them. */
import type { DeadLetter } from '#schemas/dead-letter.ts'
import type { ProducedEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { decodeDeadLetter, decodeEvent } from '#schemas/wire.ts'
import type { EventLog } from '../ports.ts'

export interface Letter {
  /** `<partition>-<offset>` in the dead-letters log. */
  readonly id: string
  readonly letter: DeadLetter
}

const PAGE_BYTES = 1024 * 1024
const ID = /^(\d{1,7})-(\d{1,15})$/

/** Every readable dead letter, partition by partition, one page in memory. */
export async function* readLetters(log: EventLog): AsyncGenerator<Letter, void, undefined> {
  for (let partition = 0; partition < log.partitions('dead-letters'); partition++) {
    const end = log.end('dead-letters')[partition] as number
    for (let next = log.start('dead-letters')[partition] as number; next < end;) {
      const records = await log.read('dead-letters', partition, next, PAGE_BYTES)
      if (records.length === 0) break
      for (const record of records) {
        next = record.offset + 1
        const parsed = decodeDeadLetter(record.value)
        if (parsed.kind === 'accepted') yield { id: `${partition}-${record.offset}`, letter: parsed.value }
      }
    }
  }
}

/** One letter by its id; undefined where there is none. */
export const findLetter = async (log: EventLog, id: string): Promise<Letter | undefined> => {
  const [, partition, offset] = (ID.exec(id) ?? []).map(Number)
  if (partition === undefined || offset === undefined || partition >= log.partitions('dead-letters')) return undefined
  const start = log.start('dead-letters')[partition] as number
  const end = log.end('dead-letters')[partition] as number
  if (offset < start || offset >= end) return undefined
  const [record] = await log.read('dead-letters', partition, offset, 1)
  if (record?.offset !== offset) return undefined
  const parsed = decodeDeadLetter(record.value)
  return parsed.kind === 'accepted' ? { id, letter: parsed.value } : undefined
}

/** The event as JSON: as a producer sent it, or as a record of the log says it in Avro; undefined where the bytes are neither. */
export const letterJson = ({ bytes }: Pick<DeadLetter, 'bytes'>): unknown => {
  const decoded = decodeEvent(bytes)
  if (decoded.kind === 'accepted') return eventToJson(decoded.value satisfies ProducedEvent)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    return undefined
  }
}
