import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { kafkaChecks } from '#streams/kafka/checks.ts'
import { KafkaCluster } from '#streams/kafka/cluster.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { hasConsumerProtocol } from '#streams/kafka/group-protocol.ts'
import { kafkaOwnership } from '#streams/kafka/ownership.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import { topicName } from '#streams/kafka/topics.ts'
import { silentLogger } from '#streams/logger.ts'
import type { Ownership } from '#streams/ports.ts'
import { kafkaServer, startBroker } from '../servers/kafka.ts'
import { testSettings } from './settings.ts'

const PARTITIONS = 6
const server = await kafkaServer()

/** Brokers before 4.0 have the classic protocol only. */
const haveConsumerProtocol = async (brokers: readonly string[]): Promise<boolean> => {
  const cluster = new KafkaCluster(testSettings(brokers))
  try {
    return await hasConsumerProtocol(cluster)
  } finally {
    await cluster.close()
  }
}
const modern = server.kind === 'ready' && (await haveConsumerProtocol(server.brokers))

/** Owners by partition, as all members of a test tell it; a partition with two owners at a time fails the test. */
class Ledger {
  readonly owners = new Map<number, string>()
  readonly quarrels: string[] = []
  readonly changes: string[] = []

  listener(name: string, lettingGoMs = 0) {
    const drop = (partitions: readonly number[]): void => {
      for (const partition of partitions) if (this.owners.get(partition) === name) this.owners.delete(partition)
    }
    return {
      assigned: (partitions: readonly number[]) => {
        for (const partition of partitions) {
          const other = this.owners.get(partition)
          if (other !== undefined) this.quarrels.push(`${partition} is given to ${name} while ${other} has it`)
          this.owners.set(partition, name)
        }
        this.changes.push(`${name} +${partitions.join(',')}`)
        return Promise.resolve()
      },
      revoked: async (partitions: readonly number[]) => {
        await delay(lettingGoMs)
        drop(partitions)
        this.changes.push(`${name} -${partitions.join(',')}`)
      },
      lost: (partitions: readonly number[]) => {
        drop(partitions)
        this.changes.push(`${name} lost ${partitions.join(',')}`)
        return Promise.resolve()
      },
    }
  }

  share(name: string): number {
    return [...this.owners.values()].filter((owner) => owner === name).length
  }
}

if (server.kind === 'absent') it.skip(`ownership by consumer group (${server.reason})`, () => {})
else {
  const unlessMissing = (protocol: string): boolean => protocol !== 'consumer' || modern
  if (!modern) it.skip('ownership by consumer group, consumer protocol (these brokers are of before 4.0 and do not have it)', () => {})

  describe.each((['consumer', 'classic'] as const).filter(unlessMissing))('ownership by consumer group, %s protocol', (protocol) => {
    const members: Ownership[] = []
    const failures: Error[] = []
    const settingsOf = (changes: object = {}): KafkaSettings =>
      testSettings(server.brokers, { group: { id: `g${Math.random()}`, protocol, sessionTimeoutMs: 1_500, ...changes } })
    const join_ = async (settings: KafkaSettings, ledger: Ledger, name: string, lettingGoMs = 0): Promise<Ownership> => {
      const member = kafkaOwnership({
        settings,
        partitions: PARTITIONS,
        logger: silentLogger,
        onFailed: (failure) => failures.push(failure),
      })
      members.push(member)
      await member.join(ledger.listener(name, lettingGoMs))
      return member
    }
    const settled = (condition: () => boolean): Promise<void> => expect.poll(condition, { timeout: 20_000, interval: 20 }).toBe(true)

    afterEach(async () => {
      for (const member of members.splice(0)) await member.leave()
      expect(failures).toEqual([])
    })

    it('one member has every partition; a second gets half, each only after the first let go of it; who stays gets all back', async () => {
      const settings = settingsOf()
      const ledger = new Ledger()
      const first = await join_(settings, ledger, 'first', 300)
      await settled(() => ledger.share('first') === PARTITIONS)
      await join_(settings, ledger, 'second')
      await settled(() => ledger.share('first') === 3 && ledger.share('second') === 3)
      await first.leave()
      await settled(() => ledger.share('second') === PARTITIONS)
      expect(ledger.quarrels).toEqual([])
    })

    it('a storm of members that come and go leaves each partition with one owner, and never gives one to two', { retry: 0 }, async () => {
      const settings = settingsOf()
      const ledger = new Ledger()
      const staying = await join_(settings, ledger, 'staying', 20)
      for (let i = 0; i < 5; i++) {
        const guest = await join_(settings, ledger, `guest ${i}`, 10)
        await delay(i * 100)
        await guest.leave()
      }
      await settled(() => ledger.share('staying') === PARTITIONS)
      expect(ledger.quarrels).toEqual([])
      await staying.leave()
      expect(ledger.owners.size).toBe(0)
    })

    it('a process stopped beyond its session loses its partitions to the others, and learns so when it wakes', async () => {
      const settings = settingsOf()
      const ledger = new Ledger()
      const log = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })
      await log.close()
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'member-child.ts'), JSON.stringify({ settings, partitions: PARTITIONS })],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      const changes: { change: string; partitions: number[] }[] = []
      createInterface(child.stdout).on('line', (line) => changes.push(JSON.parse(line) as (typeof changes)[number]))
      try {
        await settled(() => changes.some(({ change }) => change === 'assigned'))
        child.kill('SIGSTOP')
        await join_(settings, ledger, 'awake')
        await settled(() => ledger.share('awake') === PARTITIONS)
        child.kill('SIGCONT')
        await settled(() => changes.some(({ change, partitions }) => change === 'lost' && partitions.length === PARTITIONS))
        await settled(() => ledger.share('awake') === 3)
      } finally {
        child.kill('SIGKILL')
      }
    })

    it('positions are shown where lag tools look', async () => {
      const settings = settingsOf()
      const ledger = new Ledger()
      const member = await join_(settings, ledger, 'one')
      await settled(() => ledger.share('one') === PARTITIONS)
      member.mirror(new Map([[2, 41]]))
      member.mirror(new Map([[2, 42]]))
      await member.leave()
      const cluster = new KafkaCluster(settings)
      const [group] = await cluster.admin.listConsumerGroupOffsets({ groups: [settings.group.id] })
      await cluster.close()
      const topic = group?.topics.find(({ name }) => name === topicName('credit-events', settings))
      expect(topic?.partitions.find(({ partitionIndex }) => partitionIndex === 2)?.committedOffset).toBe(42n)
    })

    it('a static member that comes back within its session gets what it had, and the others never notice', async () => {
      const settings = settingsOf({ instanceId: 'a', sessionTimeoutMs: 6_000 })
      const ledger = new Ledger()
      const first = await join_(settings, ledger, 'a')
      await settled(() => ledger.share('a') === PARTITIONS)
      await join_({ ...settings, group: { ...settings.group, instanceId: 'b' } }, ledger, 'b')
      await settled(() => ledger.share('a') === 3 && ledger.share('b') === 3)
      const before = [...ledger.owners].filter(([, owner]) => owner === 'b').map(([partition]) => partition)
      ledger.changes.length = 0
      await first.leave()
      await join_(settings, ledger, 'a')
      await settled(() => ledger.share('a') === 3)
      expect([...ledger.owners].filter(([, owner]) => owner === 'b').map(([partition]) => partition)).toEqual(before)
      expect(ledger.changes.filter((change) => change.startsWith('b'))).toEqual([])
    })
  })

  describe('the group protocol', () => {
    const join_ = async (
      brokers: readonly string[],
      protocol: string,
    ): Promise<{ readonly member: Ownership; readonly ledger: Ledger }> => {
      const ledger = new Ledger()
      const member = kafkaOwnership({
        settings: testSettings(brokers, { group: { id: `g${Math.random()}`, protocol, sessionTimeoutMs: 1_500 } }),
        partitions: PARTITIONS,
        logger: silentLogger,
        onFailed: (failure) => expect.unreachable(failure.message),
      })
      await member.join(ledger.listener('one'))
      return { member, ledger }
    }
    const hasAll = async (brokers: readonly string[]): Promise<void> => {
      const { member, ledger } = await join_(brokers, 'auto')
      await expect.poll(() => ledger.share('one')).toBe(PARTITIONS)
      await member.leave()
      expect(ledger.owners.size).toBe(0)
    }

    it('left to itself is one that the brokers have', async () => {
      await hasAll(server.brokers)
    })

    // Brokers of before 4.0 as they are; later ones as an upgrade leaves them whose features were not raised.
    it.skipIf(modern && server.classPath === undefined)(
      'of Kafka 4, where brokers do not offer it, is done without, and refused by its setting',
      async () => {
        const own = modern ? await startBroker({ name: 'kafka-classic', format: ['--feature', 'group.version=0'] }) : undefined
        const brokers = own === undefined ? server.brokers : [own.address]
        try {
          await hasAll(brokers)
          await expect(join_(brokers, 'consumer')).rejects.toMatchObject({
            code: 'settings',
            message: expect.stringMatching(/"auto" or "classic"/) as string,
          })
          const settings = testSettings(brokers, { group: { protocol: 'consumer' } })
          const findings = await kafkaChecks(settings, { partitions: PARTITIONS })
          expect(findings.filter(({ state }) => state === 'failure').map(({ check }) => check)).toEqual(['kafka group protocol'])
        } finally {
          await own?.kill()
        }
      },
    )
  })
}
