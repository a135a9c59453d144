/** Publishes what a batch produced and reads it back: only what the decisions log shows as believed may be committed past. */
import type { Decision } from '#schemas/decision.ts'
import { peekDecision } from '#schemas/wire.ts'
import { deadLetterOf } from '../dead-letter.ts'
import { TerminalFailure } from '../failure.ts'
import type { EventLog } from '../ports.ts'
import { mayCommitReadBack, seeClaim } from '../protocol/belief.ts'
import type { Published, Told } from './batch.ts'
import type { Folded } from './fold-batch.ts'
import type { Lane } from './lane.ts'
import type { Persist } from './persist.ts'

const PAGE_BYTES = 1024 * 1024

export interface PublishPorts {
  readonly log: EventLog
  /** Runs an append or a read, trying again after retryable failures. */
  readonly persist: Persist
}

/**
 * Dead letters and strays first: should the process end before the decisions are out, they are repeated, never missing. A repeated stray is
 * recognised by its event id. Returns the decisions' offsets.
 */
export const publish = async (
  folded: Folded,
  decisions: readonly Published[],
  { log, persist }: PublishPorts,
): Promise<readonly number[]> => {
  if (folded.rejected.length > 0) {
    const letters = folded.rejected.map(({ record, rejection }) => deadLetterOf(record, rejection))
    await persist(() => log.append('dead-letters', letters))
  }
  if (folded.rerouted.length > 0) await persist(() => log.append('credit-events', folded.rerouted))
  if (decisions.length === 0) return []
  return persist(() =>
    log.append(
      'decisions',
      decisions.map(({ record }) => record),
    ),
  )
}

/**
 * Reads each lane's decisions partition up to its newest decision, and checks that the log holds what was meant. Returns what is believed; a
 * lane that finds a newer claim departs.
 */
export const readBack = async (
  decisions: readonly Published[],
  offsets: readonly number[],
  ports: PublishPorts,
): Promise<readonly Decision[]> => {
  const byLane = new Map<Lane, { published: Published; offset: number }[]>()
  decisions.forEach((published, i) => {
    const entry = { published, offset: offsets[i] as number }
    const list = byLane.get(published.lane)
    if (list === undefined) byLane.set(published.lane, [entry])
    else list.push(entry)
  })
  await Promise.all([...byLane].map(([lane, expected]) => readBackLane(lane, expected, ports)))
  return decisions.flatMap(({ lane, decision }) => (lane.departure === 'succeeded' ? [] : [decision]))
}

/**
 * Tells linked entities of the batch's applications: after their decisions were read back, so that no application can find itself in what it
 * is decided on, not even after a crash; and before their offsets are committed, so that none goes missing.
 */
export const tellLinked = async (told: readonly Told[], { log, persist }: PublishPorts): Promise<void> => {
  const records = told.flatMap(({ lane, record }) => (lane.departure === 'succeeded' ? [] : [record]))
  if (records.length > 0) await persist(() => log.append('linked-entities', records))
}

const readBackLane = async (
  lane: Lane,
  expected: readonly { published: Published; offset: number }[],
  { log, persist }: PublishPorts,
): Promise<void> => {
  let at = 0
  while (at < expected.length) {
    const records = await persist(() => log.read('decisions', lane.partition, lane.readBack, PAGE_BYTES))
    if (records.length === 0)
      throw new TerminalFailure(
        'log-shortened',
        `decisions[${lane.partition}] ends at ${lane.readBack}, though ${expected[at]?.offset} was acknowledged. Restore the log from a copy.`,
      )
    for (const record of records) {
      const own = expected[at]
      if (own === undefined) break
      lane.readBack = record.offset + 1
      if (record.offset !== own.offset) {
        // Somebody else's record: a claim ends this ownership, a decision of an older owner is ignored.
        if (peekDecision(record.value).kind === 'claim') lane.newestClaim = seeClaim(lane.newestClaim, record.offset)
        continue
      }
      if (!mayCommitReadBack(lane.newestClaim, lane.epoch)) {
        lane.departure = 'succeeded'
        return
      }
      if (Buffer.compare(record.value, own.published.record.value) !== 0)
        throw new TerminalFailure(
          'one-content-broken',
          `decisions[${lane.partition}] holds other bytes at ${record.offset} than were published: the log does not keep what it acknowledged. Check the disk; run verify-chain.`,
        )
      lane.decisionsOffset = record.offset + 1
      at++
    }
  }
}
