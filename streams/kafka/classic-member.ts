/** A member by the classic protocol (JoinGroup, SyncGroup, Heartbeat), rebalancing cooperatively: who keeps a partition never stops. */
import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import { TerminalFailure } from '../failure.ts'
import { assignPartitions } from './assign-partitions.ts'
import { errorCodeOf, explained, KAFKA_ERROR } from './cluster.ts'
import { commitOffsets, coordinator, type GroupMember, type MemberParts, pause } from './group-member.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './group-messages.ts'

/** Name of the way partitions are shared out; all members must know it. */
const ASSIGNOR = 'scorestream-even'
const PROTOCOL_TYPE = 'consumer'
const RETRY_MS = 250
/** Heartbeats in a session timeout, as Kafka's documentation advises. */
const HEARTBEATS = 3

export class ClassicMember implements GroupMember {
  readonly #parts: MemberParts
  #memberId = ''
  #generation = -1
  #heard = 0

  constructor(parts: MemberParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal, joined: () => void): Promise<void> {
    this.#heard = performance.now()
    while (!signal.aborted) {
      try {
        const target = await this.#joinAndSync()
        this.#heard = performance.now()
        joined()
        if (await this.#reconcile(target, signal)) continue
        await this.#beatUntilRebalance(signal)
      } catch (error) {
        await this.#afterFault(error, signal)
      }
    }
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<boolean> {
    if (this.#generation < 0) return false
    try {
      return await commitOffsets(this.#parts.cluster, this.#parts.topic, { memberId: this.#memberId, epoch: this.#generation }, offsets)
    } catch (error) {
      if ([KAFKA_ERROR.rebalanceInProgress, KAFKA_ERROR.illegalGeneration].some((code) => code === errorCodeOf(error))) return false
      throw error
    }
  }

  /** A static member says nothing: its partitions wait for it until the session expires. */
  async leave(): Promise<void> {
    const { cluster } = this.#parts
    const { id, instanceId } = cluster.settings.group
    if (this.#memberId === '' || instanceId !== undefined) return
    await leaveGroupV5.api.async(await coordinator(cluster), id, [{ memberId: this.#memberId, groupInstanceId: null, reason: 'stopping' }])
  }

  async #joinAndSync(): Promise<readonly number[]> {
    const { cluster, topic, partitions, holdings } = this.#parts
    const { id, instanceId, sessionTimeoutMs, handOverTimeoutMs } = cluster.settings.group
    const connection = await coordinator(cluster)
    const metadata = encodeSubscription({ topic, owned: holdings.owned(), generation: this.#generation })
    const response = await joinGroupV9.api.async(
      connection,
      id,
      sessionTimeoutMs,
      handOverTimeoutMs,
      this.#memberId,
      instanceId ?? null,
      PROTOCOL_TYPE,
      [{ name: ASSIGNOR, metadata }],
    )
    this.#memberId = response.memberId
    this.#generation = response.generationId
    const shares =
      response.leader === response.memberId
        ? assignPartitions(
            response.members.map((member) => ({ memberId: member.memberId, ...decodeSubscription(member.metadata, topic) })),
            partitions,
          )
        : new Map<string, number[]>()
    const { assignment } = await syncGroupV5.api.async(
      connection,
      id,
      this.#generation,
      this.#memberId,
      instanceId ?? null,
      PROTOCOL_TYPE,
      ASSIGNOR,
      [...shares].map(([memberId, share]) => ({ memberId, assignment: encodeAssignment(topic, share) })),
    )
    return decodeAssignment(assignment, topic)
  }

  /** True where something was let go: the others can have it once we join again. */
  async #reconcile(target: readonly number[], signal: AbortSignal): Promise<boolean> {
    const { holdings } = this.#parts
    const done = new AbortController()
    const beating = this.#keepAlive(AbortSignal.any([signal, done.signal]))
    try {
      const released = await holdings.release(target)
      await holdings.take(target)
      return released
    } finally {
      done.abort()
      await beating
    }
  }

  /** While the listener works: a rebalance meanwhile waits for it. */
  async #keepAlive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#intervalMs(), signal)
      if (signal.aborted) return
      try {
        await this.#heartbeat()
      } catch (error) {
        // Whatever it is, the loop meets it again once the listener is done.
        this.#parts.logger.debug({ error }, 'a heartbeat failed during a hand-over')
      }
    }
  }

  async #beatUntilRebalance(signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.#intervalMs(), signal)
      if (signal.aborted) return
      await this.#heartbeat()
    }
  }

  async #heartbeat(): Promise<void> {
    const { cluster } = this.#parts
    const { id, instanceId } = cluster.settings.group
    await heartbeatV4.api.async(await coordinator(cluster), id, this.#generation, this.#memberId, instanceId ?? null)
    this.#heard = performance.now()
  }

  #intervalMs(): number {
    return this.#parts.cluster.settings.group.sessionTimeoutMs / HEARTBEATS
  }

  async #afterFault(error: unknown, signal: AbortSignal): Promise<void> {
    const { cluster, logger, holdings } = this.#parts
    const { id, instanceId, sessionTimeoutMs } = cluster.settings.group
    const code = errorCodeOf(error)
    switch (code) {
      case KAFKA_ERROR.rebalanceInProgress:
        return
      case KAFKA_ERROR.memberIdRequired:
        this.#memberId = memberIdIn(error)
        return
      case KAFKA_ERROR.unknownMemberId:
      case KAFKA_ERROR.illegalGeneration:
        logger.warn({ group: id }, 'the group took this member for dead; joining again')
        return this.#forget(code === KAFKA_ERROR.unknownMemberId)
      case KAFKA_ERROR.fencedInstanceId:
        await this.#forget(true)
        throw new TerminalFailure(
          'lost-ownership',
          `another process took over the static membership "${instanceId ?? ''}" of group ${id}: give each process a kafka.group.instanceId of its own`,
        )
      default: {
        const failure = explained(error, `taking part in group ${id}`)
        if (failure instanceof TerminalFailure) throw failure
        logger.warn({ group: id, reason: failure.message }, 'the group was not reached; trying again')
        if (performance.now() - this.#heard > sessionTimeoutMs && holdings.owned().length > 0) await this.#forget(false)
        await pause(RETRY_MS, signal)
      }
    }
  }

  async #forget(alsoWho: boolean): Promise<void> {
    if (alsoWho) this.#memberId = ''
    this.#generation = -1
    await this.#parts.holdings.lose()
  }
}

/** The first answer to a new member is its name, in the form of an error. */
const memberIdIn = (error: unknown): string => {
  const { response, errors } = error as { response?: { memberId?: string }; errors?: readonly unknown[] }
  if (response?.memberId !== undefined) return response.memberId
  for (const inner of errors ?? []) {
    const found = memberIdIn(inner)
    if (found !== '') return found
  }
  return ''
}
