/** One owned input partition: where it stands, and how it was taken over. */
import type { Claim } from '#schemas/decision.ts'
import { encodeClaim } from '#schemas/wire.ts'
import { TerminalFailure } from '../failure.ts'
import type { Clock, EventLog, PartitionState, StateStore } from '../ports.ts'
import { NO_CLAIM, type NewestClaim } from '../protocol/belief.ts'
import { Adoption } from './adoption.ts'

export interface Lane {
  readonly partition: number
  /** Offset of this owner's claim in the decisions partition. */
  readonly epoch: number
  /** Next input offset to process; everything below was folded and, where due, read back. */
  next: number
  /** Offset the store holds, or will once the commit under way is done. */
  committed: number
  chainHash: string
  /** Just after the last believed decision below `next`. */
  decisionsOffset: number
  /** Next record of the decisions partition to read back. */
  readBack: number
  newestClaim: NewestClaim
  adoption: Adoption | undefined
  /** Positions below were counted before a restart of this engine and are not counted again. */
  countFrom: number
}

export interface TakeoverPorts {
  readonly log: EventLog
  readonly state: StateStore
  readonly clock: Clock
  readonly owner: string
}

/** Claims a partition: the claim first, then state and offset, then what there is to adopt. */
export const takeOver = async (partition: number, ports: TakeoverPorts): Promise<Lane> => {
  const { log, state, clock, owner } = ports
  const claim: Claim = { owner, claimedAt: clock.now() }
  const [epoch] = await log.append('decisions', [{ partition, key: Buffer.from(owner), value: encodeClaim(claim) }])
  return laneFrom(partition, epoch as number, ports.log, await state.claim(partition, epoch as number))
}

/** Where a lane begins, given what the store holds. */
const laneFrom = (partition: number, epoch: number, log: EventLog, stored: PartitionState): Lane => {
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
    chainHash: stored.chainHash,
    decisionsOffset: stored.decisionsOffset,
    readBack: epoch,
    newestClaim: NO_CLAIM,
    adoption: new Adoption(log, partition, stored.decisionsOffset, epoch),
    countFrom: stored.offset,
  }
}
