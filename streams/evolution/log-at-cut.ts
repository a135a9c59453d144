/**
 * The logs as they stood at a cut, for an engine that only catches up: it finds every decision made and adopts it. What the deciding engine has
 * said already (claims, dead letters, strays) is not said again. What applications tell linked entities is passed on where nobody told it.
 */
import { decodeDeadLetter, peekDecision } from '#schemas/wire.ts'
import { TerminalFailure } from '../failure.ts'
import type { AppendRecord, EventLog, LogRecord, Topic } from '../ports.ts'
import type { Cut } from './cut.ts'

export interface LogAtCutOptions {
  readonly cut: Cut
  /** Per partition, positions that the deciding engine gave up for a reason that need not repeat. */
  readonly setAside: readonly ReadonlySet<number>[]
  /** Whether linked entities are told. */
  readonly tells: boolean
}

const NO_EVENT = new Uint8Array(0)

const refuseNews = (topic: Topic, records: readonly AppendRecord[]): void => {
  if (topic === 'decisions' && records.some(({ value }) => peekDecision(value).kind !== 'claim'))
    throw new TerminalFailure(
      'one-content-broken',
      'an application below the cut has no decision in the log: the feature set that follows would decide it anew. Run verify-chain; nothing was published.',
    )
  for (const { value } of topic === 'dead-letters' ? records : []) {
    const letter = decodeDeadLetter(value)
    if (letter.kind === 'accepted' && letter.value.code === 'poison')
      throw new TerminalFailure(
        'state-refused',
        `the code of the feature set that follows throws on ${letter.value.partition}-${letter.value.offset}: ${letter.value.detail}. Mend its definitions; the present set goes on deciding.`,
      )
  }
}

export const logAtCut = (log: EventLog, { cut, setAside, tells }: LogAtCutOptions): EventLog => {
  const ends: Partial<Record<Topic, readonly number[]>> = { 'credit-events': cut.input, decisions: cut.decisions }
  const end = (topic: Topic): readonly number[] => ends[topic] ?? log.end(topic)
  const below = (topic: Topic, records: readonly LogRecord[]): readonly LogRecord[] => {
    if (topic !== 'credit-events') return records
    const known = records.filter(({ partition, offset }) => offset < (cut.input[partition] ?? 0))
    return known.map((record) => (setAside[record.partition]?.has(record.offset) === true ? { ...record, value: NO_EVENT } : record))
  }
  return {
    ...(log.format === undefined ? {} : { format: log.format }),
    partitions: (topic) => log.partitions(topic),
    start: (topic) => log.start(topic),
    end,
    async append(topic, records) {
      if (topic === 'linked-entities') return tells ? log.append(topic, records) : []
      refuseNews(topic, records)
      return records.map(({ partition }) => end(topic)[partition] ?? 0)
    },
    read: async (topic, partition, offset, bytesMax) => below(topic, await log.read(topic, partition, offset, bytesMax)),
    refresh: () => Promise.resolve(),
    onAppend: (topic, listener) => (topic === 'linked-entities' ? log.onAppend(topic, listener) : () => {}),
    release() {
      // Retention follows the engine that decides.
    },
    close: () => Promise.resolve(),
  }
}
