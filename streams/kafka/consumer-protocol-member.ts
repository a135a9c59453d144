/**
 * A member by the consumer protocol (KIP-848): the broker assigns, and gives a partition to its next owner only after the last one reported
 * that it let go. The client library's own member reports that before its application has; here the report waits for the listener.
 */
import { randomUUID } from 'node:crypto'
import { consumerGroupHeartbeatV1 } from '@platformatic/kafka'
import { TerminalFailure } from '../failure.ts'
import { errorCodeOf, explained, KAFKA_ERROR } from './cluster.ts'
import { commitOffsets, coordinator, type GroupMember, type MemberParts, pause } from './group-member.ts'

const JOINING = 0
const LEAVING = -1
/** A static member that will be back: its partitions wait for it. */
const AWAY = -2
const RETRY_MS = 250

export class ConsumerProtocolMember implements GroupMember {
  readonly #parts: MemberParts
  readonly #memberId = randomUUID()
  #epoch = JOINING
  #target: readonly number[] | undefined
  #reconciling = false
  #heard = 0
  #wake = new AbortController()

  constructor(parts: MemberParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal, joined: () => void): Promise<void> {
    const { holdings, cluster, logger } = this.#parts
    this.#heard = performance.now()
    while (!signal.aborted) {
      let wait = RETRY_MS
      try {
        wait = await this.#heartbeat()
        joined()
      } catch (error) {
        await this.#afterFault(error)
      }
      if (performance.now() - this.#heard > cluster.settings.group.sessionTimeoutMs && holdings.owned().length > 0) {
        logger.warn(
          { group: cluster.settings.group.id },
          'the group was not reached for a session timeout: its partitions are taken for lost',
        )
        await this.#forget()
      }
      this.#wake = new AbortController()
      if (!this.#reconciling && this.#isDue()) void this.#reconcile()
      await pause(wait, AbortSignal.any([signal, this.#wake.signal]))
    }
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<boolean> {
    if (this.#epoch <= JOINING) return false
    try {
      return await commitOffsets(this.#parts.cluster, this.#parts.topic, { memberId: this.#memberId, epoch: this.#epoch }, offsets)
    } catch (error) {
      if (errorCodeOf(error) === KAFKA_ERROR.staleMemberEpoch) return false
      throw error
    }
  }

  async leave(): Promise<void> {
    if (this.#epoch <= JOINING) return
    const { cluster } = this.#parts
    this.#epoch = cluster.settings.group.instanceId === undefined ? LEAVING : AWAY
    await this.#send([])
  }

  /** Returns the pause until the next. */
  async #heartbeat(): Promise<number> {
    const asJoining = this.#epoch === JOINING
    const response = await this.#send(asJoining ? [] : this.#parts.holdings.owned())
    this.#heard = performance.now()
    this.#epoch = response.memberEpoch
    const assignment = response.assignment?.topicPartitions
    if (assignment !== undefined)
      this.#target = assignment.filter(({ topicId }) => topicId === this.#parts.topicId).flatMap(({ partitions }) => partitions)
    return response.heartbeatIntervalMs
  }

  async #send(owned: readonly number[]) {
    const { cluster, topic, topicId } = this.#parts
    const { id, instanceId, handOverTimeoutMs } = cluster.settings.group
    return consumerGroupHeartbeatV1.api.async(
      await coordinator(cluster),
      id,
      this.#memberId,
      this.#epoch,
      instanceId ?? null,
      null,
      handOverTimeoutMs,
      [topic],
      null,
      null,
      owned.length === 0 ? [] : [{ topicId, partitions: [...owned] }],
    )
  }

  #isDue(): boolean {
    const { holdings } = this.#parts
    if (holdings.ended) return false
    const owned = holdings.owned()
    return this.#target !== undefined && (owned.length !== this.#target.length || owned.some((one) => !this.#target?.includes(one)))
  }

  /** Heartbeats go on meanwhile, so that a slow hand-over is not taken for death; the outcome is reported at once. */
  async #reconcile(): Promise<void> {
    const { holdings, logger } = this.#parts
    this.#reconciling = true
    try {
      while (this.#isDue()) {
        const target = this.#target ?? []
        // What was let go is reported before anything is taken, so that its next owner need not wait for our beginning.
        if (await holdings.release(target)) this.#wake.abort()
        if (target === this.#target) await holdings.take(target)
      }
    } catch (failure) {
      logger.error({ failure }, 'partitions could not be handed over; the group will notice')
    } finally {
      this.#reconciling = false
      this.#wake.abort()
    }
  }

  async #afterFault(error: unknown): Promise<void> {
    const { cluster, logger } = this.#parts
    const { id, instanceId } = cluster.settings.group
    switch (errorCodeOf(error)) {
      case KAFKA_ERROR.fencedMemberEpoch:
      case KAFKA_ERROR.unknownMemberId:
        logger.warn({ group: id }, 'the group took this member for dead; joining again')
        return this.#forget()
      case KAFKA_ERROR.fencedInstanceId:
        await this.#forget()
        throw new TerminalFailure(
          'lost-ownership',
          `another process took over the static membership "${instanceId ?? ''}" of group ${id}: give each process a kafka.group.instanceId of its own`,
        )
      case KAFKA_ERROR.unreleasedInstanceId:
        logger.warn({ group: id, instanceId }, 'the static membership is still held by another process; waiting for its end')
        return
      default: {
        const failure = explained(error, `taking part in group ${id}`)
        if (failure instanceof TerminalFailure) throw failure
        logger.warn({ group: id, reason: failure.message }, 'the group was not reached; trying again')
      }
    }
  }

  async #forget(): Promise<void> {
    this.#epoch = JOINING
    this.#target = undefined
    await this.#parts.holdings.lose()
  }
}
