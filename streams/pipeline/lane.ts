/** One owned input partition: where it stands, how it was taken over, and why it is let go. */
import type { Claim } from '#schemas/decision.ts'
import { encodeClaim } from '#schemas/wire.ts'
import { StaleCommit, TerminalFailure } from '../failure.ts'
import type { Clock, EventLog, PartitionState, StateStore } from '../ports.ts'
import { NO_CLAIM, type NewestClaim } from '../protocol/belief.ts'
import { Adoption } from './adoption.ts'
import type { Persist } from './persist.ts'

/** Why an owner has let go. What it still has under way changes nothing any more: others do not believe it, the store refuses it. */
export type Departure =
  /** The partition was given to another member. */
  | 'unassigned'
  /** Another owner claimed the partition. */
  | 'succeeded'
  /** The store stands elsewhere than this owner left it: rolled back, emptied, or moved on by another. */
  | 'refused'
  /** Code threw on an event: what was folded since the last commit is forgotten. */
  | 'crashed'

export interface Lane {
  readonly partition: number
  /** Offset of this owner's claim in the decisions partition. */
  readonly epoch: number
  /** Next input offset to process; everything below was folded and, where due, read back. */
  next: number
  /** Offset the store holds, or will once the commit under way is done. */
  committed: number
  /** Offset that the store is known to hold: a state loaded later belongs to it, or to a commit of this owner after it. */
  stored: number
  chainHash: string
  /** Just after the last believed decision below `next`. */
  decisionsOffset: number
  /** Next record of the decisions partition to read back. */
  readBack: number
  newestClaim: NewestClaim
  adoption: Adoption | undefined
  /** Positions below were counted before a restart of this engine and are not counted again. */
  countFrom: number
  departure: Departure | undefined
}

export interface TakeoverPorts {
  readonly log: EventLog
  readonly state: StateStore
  readonly clock: Clock
  readonly owner: string
  readonly persist: Persist
}

/**
 * Claims a partition: the claim first, then state and offset, then what there is to adopt. Undefined where an owner with a newer claim was
 * quicker at the store.
 */
export const takeOver = async (partition: number, ports: TakeoverPorts): Promise<Lane | undefined> => {
  const { log, state, clock, owner, persist } = ports
  const claim: Claim = { owner, claimedAt: clock.now() }
  const record = { partition, key: Buffer.from(owner), value: encodeClaim(claim) }
  const [epoch] = await persist(() => log.append('decisions', [record]))
  try {
    const stored = await persist(() => state.claim(partition, epoch as number))
    // Only now: what the store has folded was readable before.
    await persist(() => log.refresh('credit-events', [partition]))
    return laneFrom(partition, epoch as number, ports, stored)
  } catch (failure) {
    if (failure instanceof StaleCommit) return undefined
    throw failure
  }
}

/** Where a lane begins, given what the store holds. */
const laneFrom = (partition: number, epoch: number, { log, persist }: TakeoverPorts, stored: PartitionState): Lane => {
  const start = log.start('credit-events')[partition] ?? 0
  const end = log.end('credit-events')[partition] ?? 0
  if (stored.offset < start)
    throw new TerminalFailure(
      'log-shortened',
      `credit-events[${partition}] begins at ${start}, state stands at ${stored.offset}: the events between were deleted before they were folded. Restore older segments, or state from a copy.`,
    )
  if (stored.offset > end)
    throw new TerminalFailure(
      'log-shortened',
      `credit-events[${partition}] ends at ${end}, state stands at ${stored.offset}: the log lost events it once had. Restore the log from a copy; nothing is reset by itself.`,
    )
  if (stored.decisionsOffset > epoch)
    throw new TerminalFailure(
      'log-shortened',
      `decisions[${partition}] ended at ${epoch}, state knows of decisions up to ${stored.decisionsOffset}: the log lost decisions. Restore it from a copy; nothing is reset by itself.`,
    )
  return {
    partition,
    epoch,
    next: stored.offset,
    committed: stored.offset,
    stored: stored.offset,
    chainHash: stored.chainHash,
    decisionsOffset: stored.decisionsOffset,
    readBack: epoch,
    newestClaim: NO_CLAIM,
    adoption: new Adoption({ log, persist }, partition, stored.decisionsOffset, epoch),
    countFrom: stored.offset,
    departure: undefined,
  }
}
