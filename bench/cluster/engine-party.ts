/** Scorestream as a party: `serve` on Kafka with states in Redis or beside the process, always with explanations. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { launchEngine } from '../../test/crash/engine-process.ts'
import { cpuSecondsOf } from './cpu-seconds.ts'
import type { Member, Party } from './party.ts'
import { PARTITIONS, type Servers, SESSION_MS } from './servers.ts'

/** As much as the peer's cache has. */
const CACHE_MIB = 64
const END_MS_MAX = 60_000

export interface EnginePartyOptions {
  readonly state: 'redis' | 'embedded'
  readonly modelsDir: string
  /** Whether decisions are published in transactions. */
  readonly transactionalDecisions?: boolean
  /** Options of node itself, for profiles. */
  readonly nodeOptions?: readonly string[]
}

export const engineParty = (
  servers: Servers,
  { state, modelsDir, transactionalDecisions = false, nodeOptions = [] }: EnginePartyOptions,
): Party => ({
  name: `Scorestream, Kafka and ${state === 'redis' ? 'Redis' : 'state beside the process'}${transactionalDecisions ? ', in transactions' : ''}`,
  side: 'ours',
  async prepare({ folder, broker, id, topicPrefix }) {
    await servers.redis.call('FLUSHALL')
    const config = {
      log: {
        kind: 'kafka',
        partitions: PARTITIONS,
        kafka: {
          brokers: [broker],
          topicPrefix,
          replicas: 1,
          minInsyncReplicas: 1,
          transactionalDecisions,
          group: { id, sessionTimeoutMs: SESSION_MS },
        },
      },
      state: {
        kind: state,
        cacheMebibytes: CACHE_MIB,
        checkpointsDir: join(folder, 'checkpoints'),
        redis: { addresses: servers.redis.address },
      },
      warehouse: { kind: 'off' },
      reconciler: 'off',
    }
    writeFileSync(join(folder, 'scorestream.yaml'), stringify(config))
  },
  async start({ folder }, place): Promise<Member> {
    const dataDir = join(folder, `engine-${place}`)
    mkdirSync(dataDir, { recursive: true })
    const engine = launchEngine(dataDir, {
      nodeOptions: ['--v8-pool-size=1', ...nodeOptions],
      environment: { SCORESTREAM_MODELS_DIR: modelsDir },
      arguments: ['--config', join(folder, 'scorestream.yaml'), '--log-level', 'warn'],
    })
    const { child, ended } = engine
    const http = await engine.ready
    const stop = async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal)
      const killer = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
      await ended
      clearTimeout(killer)
    }
    return {
      async progress() {
        if (child.exitCode !== null) throw new Error(`the engine ended with ${child.exitCode}: ${engine.complaints().slice(-2000)}`)
        const text = await (await fetch(`${http}/metrics`)).text()
        const counts = [...text.matchAll(/^scorestream_events_total\{[^}]*\} (\d+)/gm)].map(([, count]) => Number(count))
        const readiness = await (await fetch(`${http}/readyz`)).text()
        return { events: counts.reduce((sum, count) => sum + count, 0), working: /works on [1-9]\d* partitions/.test(readiness) }
      },
      cpuS: () => cpuSecondsOf(child.pid as number),
      kill: () => stop('SIGKILL'),
      end: () => stop('SIGTERM'),
    }
  },
  storeCpuS: () => (state === 'redis' ? servers.redisCpuS() : Promise.resolve(0)),
})
