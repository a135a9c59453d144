/** Where a reader of the decisions log stands that begins at its end: the newest claim before it, and the last believed decision. */
import { peekDecision } from '#schemas/wire.ts'
import type { EventLog } from '#streams/ports.ts'
import { feedState, stepFeed, type FeedState } from './feed-state.ts'

/** First look back; grows fourfold. The owner of a partition claims when its process starts, so the newest claim is mostly near. */
const WINDOW = 256
const READ_BYTES = 4 << 20

/** From the first record still held. Whoever asks for this reads everything. */
export const earliest = (log: EventLog): FeedState => feedState(log.start('decisions'), log.start('alerts')[0], log.start('revisions'))

/**
 * What is believed before `end` of a partition: looks back until a claim and a decision believed under it (or the start of the log) are in
 * sight. A decision before the first claim in sight proves nothing: a newer claim may lie between it and its own. Undefined where
 * `recordsMax` records did not suffice.
 */
const believedBefore = async (log: EventLog, p: number, end: number, recordsMax: number) => {
  const start = log.start('decisions')[p] ?? 0
  for (let window = WINDOW; ; window *= 4) {
    const from = Math.max(start, end - window)
    const found = await believe(log, p, from, end, from === start)
    if (from === start || (found.epoch >= 0 && found.decided >= 0)) return found
    if (window >= recordsMax) return undefined
  }
}

/** Where a reader stands that has read everything up to now. */
export const latest = async (log: EventLog): Promise<FeedState> => {
  const state = feedState(log.end('decisions'), log.end('alerts')[0], log.end('revisions'))
  for (let p = 0; p < state.next.length; p++) {
    const found = await believedBefore(log, p, state.next[p] ?? 0, Infinity)
    state.epoch[p] = found?.epoch ?? -1
    state.decided[p] = found?.decided ?? -1
    // Behind the last record there may be control records of a broker, which the end does not count once they were read.
    state.next[p] = found?.next ?? 0
  }
  return state
}

/** Records looked at per partition to find out what was believed some time ago. */
const RECENT_SCAN_MAX = 16_384

/** About `count` records before `tail`, evenly over the partitions; fewer where belief that far back would cost too long a search. */
export const recent = async (log: EventLog, tail: FeedState, count: number): Promise<FeedState> => {
  const starts = log.start('decisions')
  const share = Math.ceil(count / tail.next.length)
  const state = feedState(
    tail.next.map((next, p) => Math.max(starts[p] ?? 0, next - share)),
    tail.alerts,
    tail.revisions,
  )
  const claims = tail.epoch.slice()
  for (let p = 0; p < state.next.length; p++) {
    const claim = claims[p] ?? -1
    // Behind the newest claim it is the newest claim.
    if ((state.next[p] ?? 0) > claim) {
      state.epoch[p] = claim
      continue
    }
    const found = await believedBefore(log, p, state.next[p] ?? 0, RECENT_SCAN_MAX)
    if (found === undefined) state.next[p] = claim
    else {
      state.epoch[p] = found.epoch
      state.decided[p] = found.decided
    }
  }
  return state
}

const believe = async (log: EventLog, p: number, from: number, end: number, fromStart: boolean) => {
  const state = feedState(log.start('decisions').map(() => from))
  while ((state.next[p] ?? end) < end) {
    const read = await log.read('decisions', p, state.next[p] ?? end, READ_BYTES)
    if (read.length === 0) break
    for (const record of read) {
      if (record.offset >= end) {
        state.next[p] = end
        break
      }
      const facts = peekDecision(record.value)
      if (facts.kind === 'decision' && !fromStart && (state.epoch[p] ?? -1) < 0) state.next[p] = record.offset + 1
      else stepFeed(state, p, record.offset, facts)
    }
  }
  return { next: state.next[p] ?? from, epoch: state.epoch[p] ?? -1, decided: state.decided[p] ?? -1 }
}
