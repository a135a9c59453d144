/** Ownership by a Kafka consumer group: who works on which input partition, handed over in good order, and positions shown for lag tools. */
import { TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import type { Ownership, OwnershipListener } from '../ports.ts'
import { ClassicMember } from './classic-member.ts'
import { explained, KafkaCluster } from './cluster.ts'
import { ConsumerProtocolMember } from './consumer-protocol-member.ts'
import type { GroupMember, MemberParts } from './group-member.ts'
import { CONSUMER_PROTOCOL_MISSING, hasConsumerProtocol } from './group-protocol.ts'
import { Holdings } from './holdings.ts'
import type { KafkaSettings } from './settings.ts'
import { openTopics, topicName } from './topics.ts'

/** Positions are shown this often: as fresh as lag tools look. */
const MIRROR_MS = 1_000

export interface KafkaOwnershipOptions {
  readonly settings: KafkaSettings
  readonly partitions: number
  readonly logger: Logger
  /** Taking part ended by itself: a person must act. Nothing is owned any more. */
  readonly onFailed: (failure: Error) => void
}

interface Membership {
  readonly cluster: KafkaCluster
  readonly member: GroupMember
  readonly holdings: Holdings
  readonly run: Promise<void>
}

export const kafkaOwnership = (options: KafkaOwnershipOptions): Ownership => new KafkaOwnership(options)

class KafkaOwnership implements Ownership {
  readonly #options: KafkaOwnershipOptions
  readonly #stop = new AbortController()
  readonly #positions = new Map<number, number>()
  #membership: Membership | undefined
  #timer: NodeJS.Timeout | undefined
  #mirroring: Promise<void> = Promise.resolve()

  constructor(options: KafkaOwnershipOptions) {
    this.#options = options
  }

  /** Resolves once the group knows this member; what it gets comes by the listener. */
  async join(listener: OwnershipListener): Promise<void> {
    if (this.#membership !== undefined) throw new Error('an ownership is joined once')
    const { settings, logger, onFailed, partitions } = this.#options
    const cluster = new KafkaCluster(settings)
    const holdings = new Holdings(this.#mirrored(listener))
    let member: GroupMember
    try {
      const topicId = (await openTopics(cluster, partitions)).get('credit-events')?.id ?? ''
      member = await memberOf({ cluster, topic: topicName('credit-events', settings), topicId, partitions, holdings, logger })
    } catch (error) {
      await cluster.close()
      throw explained(error, `joining group ${settings.group.id}`)
    }
    const joined = Promise.withResolvers<void>()
    const run = member.run(this.#stop.signal, joined.resolve).catch(async (failure: Error) => {
      joined.reject(failure)
      await holdings.lose()
      onFailed(failure)
    })
    this.#membership = { cluster, member, holdings, run }
    this.#timer = setInterval(() => void this.#mirror(), MIRROR_MS)
    this.#timer.unref()
    await joined.promise
  }

  mirror(offsets: ReadonlyMap<number, number>): void {
    for (const [partition, offset] of offsets) this.#positions.set(partition, offset)
  }

  async leave(): Promise<void> {
    const membership = this.#membership
    if (membership === undefined) return
    const { cluster, member, holdings, run } = membership
    clearInterval(this.#timer)
    this.#stop.abort()
    await run
    await holdings.end()
    try {
      await member.leave()
    } catch (error) {
      this.#options.logger.warn({ reason: (error as Error).message }, 'the group could not be told of leaving; it will notice by itself')
    }
    await cluster.close()
    this.#membership = undefined
  }

  /** Positions of what goes are shown a last time, and then no more: they are the next owner's to show. */
  #mirrored(listener: OwnershipListener): OwnershipListener {
    const forget = (partitions: readonly number[]): void => {
      for (const partition of partitions) this.#positions.delete(partition)
    }
    return {
      assigned: (partitions) => listener.assigned(partitions),
      revoked: async (partitions) => {
        await listener.revoked(partitions)
        await this.#mirror()
        forget(partitions)
      },
      lost: async (partitions) => {
        forget(partitions)
        await listener.lost(partitions)
      },
    }
  }

  #mirror(): Promise<void> {
    const shown = this.#mirroring.then(() => this.#show())
    this.#mirroring = shown
    return shown
  }

  async #show(): Promise<void> {
    const shown = new Map(this.#positions)
    if (shown.size === 0) return
    try {
      if (!(await this.#membership?.member.commit(shown))) return
      for (const [partition, offset] of shown) if (this.#positions.get(partition) === offset) this.#positions.delete(partition)
    } catch (error) {
      this.#options.logger.debug({ reason: (error as Error).message }, 'positions could not be shown; nothing depends on it')
    }
  }
}

const memberOf = async (parts: MemberParts): Promise<GroupMember> => {
  const { protocol } = parts.cluster.settings.group
  if (protocol === 'classic') return new ClassicMember(parts)
  if (await hasConsumerProtocol(parts.cluster)) return new ConsumerProtocolMember(parts)
  if (protocol === 'consumer') throw new TerminalFailure('settings', CONSUMER_PROTOCOL_MISSING)
  return new ClassicMember(parts)
}
