/** Where a reader of the decisions log stands that begins at its end: the newest claim before it, and the last believed decision. */
import type { EventLog } from '#streams/ports.ts'
import { feedState, stepFeed, type FeedState } from './feed-state.ts'
import type { DecisionRecords } from './ports.ts'

/** First look back; grows fourfold. The owner of a partition claims when its process starts, so the newest claim is mostly near. */
const WINDOW = 256
const READ_BYTES = 4 << 20

/** From the first record still held. Whoever asks for this reads everything. */
export const earliest = (log: EventLog): FeedState => feedState(log.start('decisions'))

/**
 * Looks back from the end of each partition until a claim and a decision believed under it (or the start of the log) are in sight. A
 * decision before the first claim in sight proves nothing: a newer claim may lie between it and its own.
 */
export const latest = async (log: EventLog, records: DecisionRecords): Promise<FeedState> => {
  const ends = log.end('decisions')
  const starts = log.start('decisions')
  const state = feedState(ends)
  for (let p = 0; p < ends.length; p++) {
    const end = ends[p] ?? 0
    const start = starts[p] ?? 0
    for (let window = WINDOW; ; window *= 4) {
      const from = Math.max(start, end - window)
      const found = await believe(log, records, p, from, end, from === start)
      state.epoch[p] = Math.max(state.epoch[p] ?? -1, found.epoch)
      state.decided[p] = found.decided
      if (from === start || (found.epoch >= 0 && found.decided >= 0)) break
    }
  }
  return state
}

const believe = async (log: EventLog, records: DecisionRecords, p: number, from: number, end: number, fromStart: boolean) => {
  const state = feedState(log.start('decisions').map(() => from))
  while ((state.next[p] ?? end) < end) {
    const read = await log.read('decisions', p, state.next[p] ?? end, READ_BYTES)
    if (read.length === 0) break
    for (const record of read) {
      if (record.offset >= end) {
        state.next[p] = end
        break
      }
      const facts = records.peek(record.value)
      if (facts.kind === 'decision' && !fromStart && (state.epoch[p] ?? -1) < 0) state.next[p] = record.offset + 1
      else stepFeed(state, p, record.offset, facts)
    }
  }
  return { epoch: state.epoch[p] ?? -1, decided: state.decided[p] ?? -1 }
}
