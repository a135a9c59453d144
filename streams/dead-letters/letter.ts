/** A dead letter as people handle it: its id, its event as JSON where it can be read, and the walk over all of them. */
import type { DeadLetter } from '#schemas/dead-letter.ts'
import { decodeDeadLetter } from '#schemas/wire.ts'
import { inputOf } from '../input.ts'
import type { EventLog, LogRecord } from '../ports.ts'

export interface Letter {
  /** `<partition>-<offset>` in the dead-letters log. */
  readonly id: string
  readonly letter: DeadLetter
  /** The event as JSON, sound or not: as a producer sent it, or as a record of the log says it; undefined where the bytes are neither. */
  readonly event: unknown
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
      next = (records.at(-1) as LogRecord).offset + 1
      yield* await lettersIn(log, records)
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
  const [letter] = await lettersIn(log, [record])
  return letter
}

const lettersIn = async (log: EventLog, records: readonly LogRecord[]): Promise<readonly Letter[]> => {
  const letters = records.flatMap(({ partition, offset, value }) => {
    const parsed = decodeDeadLetter(value)
    return parsed.kind === 'accepted' ? [{ id: `${partition}-${offset}`, letter: parsed.value }] : []
  })
  const { format } = inputOf(log)
  await format.learn(letters.map(({ letter }) => ({ value: letter.bytes })))
  return letters.map((one) => ({ ...one, event: format.toJson(one.letter.bytes) }))
}
