/** The same job on Kafka Streams (`bench/peers/kafka-streams`), compiled by javac against jars of Maven Central. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mavenFolder } from '../../test/servers/maven-folder.ts'
import { cpuSecondsOf } from './cpu-seconds.ts'
import type { Member, Party } from './party.ts'
import type { PeerModel } from './peer-model.ts'
import { HEARTBEAT_MS, type Servers, SESSION_MS } from './servers.ts'

const PEER = join(import.meta.dirname, '../peers/kafka-streams')
const CACHE_BYTES = 64 * 1024 * 1024
const END_MS_MAX = 60_000

/** Class path of the peer, fetched and compiled where that has not been done. @throws Error where Java or Maven is missing. */
export const buildStreamsPeer = (scratch: string): string => {
  const jars = mavenFolder('kafka-streams', join(PEER, 'pom.xml'), 'dependency:copy-dependencies', 'outputDirectory')
  if (jars === undefined)
    throw new Error('the jars of Kafka Streams could not be fetched: Maven (mvn) and a Java 17 development kit are needed')
  const classes = join(scratch, 'peer-classes')
  if (!existsSync(classes)) {
    const making = `${classes}.part`
    const sources = readdirSync(join(PEER, 'src')).map((name) => join(PEER, 'src', name))
    rmSync(making, { recursive: true, force: true })
    execFileSync('javac', ['-cp', join(jars, '*'), '-d', making, ...sources], { stdio: ['ignore', 'inherit', 'inherit'] })
    renameSync(making, classes)
  }
  return `${classes}:${join(jars, '*')}`
}

export interface StreamsPartyOptions {
  readonly guarantee: 'exactly_once_v2' | 'at_least_once'
  /** Whether LightGBM's SHAP values explain each decision. */
  readonly explained: boolean
  /** Nothing waits to be sent with others. */
  readonly zeroLinger?: boolean
  readonly classPath: string
  readonly model: PeerModel
}

const GUARANTEE = { exactly_once_v2: 'EOS v2', at_least_once: 'at least once' } as const

export const streamsParty = (servers: Servers, options: StreamsPartyOptions): Party => {
  const { guarantee, explained, zeroLinger = false, classPath, model } = options
  return {
    name: `Kafka Streams, ${GUARANTEE[guarantee]}${zeroLinger ? ', no linger' : ''}, ${explained ? 'LightGBM SHAP' : 'no explanations'}`,
    side: 'peer',
    async prepare({ decisionsTopic }) {
      await servers.createTopics([decisionsTopic])
    },
    async start({ id, folder, broker, eventsTopic, decisionsTopic }, place): Promise<Member> {
      const home = join(folder, `streams-${place}`)
      mkdirSync(home, { recursive: true })
      const properties: Readonly<Record<string, string | number>> = {
        'streams.application.id': id,
        'streams.bootstrap.servers': broker,
        'streams.state.dir': home,
        'streams.processing.guarantee': guarantee,
        'streams.num.stream.threads': 1,
        'streams.statestore.cache.max.bytes': CACHE_BYTES,
        'streams.replication.factor': 1,
        'streams.consumer.session.timeout.ms': SESSION_MS,
        'streams.consumer.heartbeat.interval.ms': HEARTBEAT_MS,
        'streams.consumer.auto.offset.reset': 'earliest',
        ...(zeroLinger ? { 'streams.producer.linger.ms': 0 } : {}),
        'topic.events': eventsTopic,
        'topic.decisions': decisionsTopic,
        ...model,
        explained: `${explained}`,
      }
      const file = join(home, 'peer.properties')
      writeFileSync(
        file,
        Object.entries(properties)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      )
      const child = spawn(
        'java',
        ['-Xms1g', '-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath, 'scorestream.peer.CreditPeer', file],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      const ended = once(child, 'exit')
      let [events, state, complaints] = [0, 'CREATED', '']
      child.stdout.setEncoding('utf8').on('data', (said: string) => {
        const last = said.trimEnd().split('\n').at(-1)?.split(' ')
        if (last?.length === 3) [events, state] = [Number(last[0]), last[2] as string]
      })
      child.stderr.setEncoding('utf8').on('data', (said: string) => (complaints = (complaints + said).slice(-4_000)))
      const stop = async (signal: NodeJS.Signals): Promise<void> => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill(signal)
        const killer = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
        await ended
        clearTimeout(killer)
      }
      return {
        async progress() {
          if (child.exitCode !== null) throw new Error(`the peer ended with ${child.exitCode}: ${complaints}`)
          return { events, working: state === 'RUNNING' }
        },
        cpuS: () => cpuSecondsOf(child.pid as number),
        kill: () => stop('SIGKILL'),
        end: () => stop('SIGTERM'),
      }
    },
    storeCpuS: () => Promise.resolve(0),
  }
}
