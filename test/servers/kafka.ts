/**
 * A real Kafka for tests: the brokers that `SCORESTREAM_TEST_KAFKA` names (host:port, with commas), else one started from jars of Maven
 * Central, kept in `.servers/`. Where neither is possible the answer is a reason to skip; with `CI=true` that is a failure.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { mavenFolder } from './maven-folder.ts'
import { endWithRun, freePort, oncePerRun, runFolder, withRun } from './run-folder.ts'

const POM = join(import.meta.dirname, 'kafka-pom.xml')
const START_MS_MAX = 60_000

export type KafkaServer =
  | { readonly kind: 'ready'; readonly brokers: readonly string[]; readonly classPath: string | undefined }
  | { readonly kind: 'absent'; readonly reason: string }

/** The run's shared broker. Tests keep apart by topic prefix. */
export const kafkaServer = async (): Promise<KafkaServer> => {
  const found = await oncePerRun('kafka', find)
  if (found.kind === 'absent') {
    if (process.env['CI'] === 'true') throw new Error(`CI=true and there is no Kafka: ${found.reason}`)
    process.stderr.write(`skipped: suites that need Kafka, because ${found.reason}\n`)
  }
  return found
}

const find = async (): Promise<KafkaServer> => {
  const given = process.env['SCORESTREAM_TEST_KAFKA']
  if (given !== undefined && given !== '') return { kind: 'ready', brokers: given.split(','), classPath: jars() }
  try {
    const broker = await startBroker({ name: 'kafka' })
    return { kind: 'ready', brokers: [broker.address], classPath: broker.classPath }
  } catch (error) {
    return { kind: 'absent', reason: (error as Error).message.split('\n')[0] ?? '' }
  }
}

/** Class path of Kafka's jars, fetched where they are missing; undefined where there is no Java or no Maven. */
export const jars = (): string | undefined => {
  const folder = mavenFolder('kafka', POM, 'dependency:copy-dependencies', 'outputDirectory')
  return folder === undefined ? undefined : join(folder, '*')
}

export interface BrokerOptions {
  /** Of its folder in the run's, and of its process. */
  readonly name: string
  /** Lines of server.properties besides those of a broker on its own. */
  readonly properties?: readonly string[]
  /** In place of the one plain listener: name, protocol; the first is what `address` leads to. */
  readonly listeners?: readonly { readonly name: string; readonly protocol: string }[]
  /** Options of the storage format, such as users that exist from the first. */
  readonly format?: readonly string[]
  /** Options of Java in place of those that suit tests. */
  readonly jvm?: readonly string[]
}

export interface Broker {
  readonly address: string
  readonly addresses: readonly string[]
  readonly classPath: string
  /** Ends the process at once, as a crash does. */
  kill(): Promise<void>
  /** Starts it again over the same data and ports. */
  start(): Promise<void>
}

/** A single KRaft broker of its own; it ends with the run at the latest. Throws where there is no Java. */
export const startBroker = async ({
  name,
  properties = [],
  listeners = [{ name: 'PLAIN', protocol: 'PLAINTEXT' }],
  format = [],
  jvm = TEST_JVM,
}: BrokerOptions): Promise<Broker> => {
  const classPath = jars()
  if (classPath === undefined) throw new Error('Kafka’s jars could not be fetched: Maven (mvn) and Java 17 are needed')
  const folder = join(runFolder(), `${name}-data`)
  mkdirSync(folder, { recursive: true })
  const controller = await freePort()
  const addresses = await Promise.all(listeners.map(async (listener) => ({ ...listener, address: `127.0.0.1:${await freePort()}` })))
  const file = join(folder, 'server.properties')
  const urls = addresses.map((listener) => `${listener.name}://${listener.address}`)
  writeFileSync(
    file,
    [
      ...BROKER_PROPERTIES,
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      `listeners=${[...urls, `CONTROLLER://127.0.0.1:${controller}`].join(',')}`,
      `advertised.listeners=${urls.join(',')}`,
      `listener.security.protocol.map=${[...listeners.map((one) => `${one.name}:${one.protocol}`), 'CONTROLLER:PLAINTEXT'].join(',')}`,
      `inter.broker.listener.name=${listeners.at(-1)?.name ?? ''}`,
      `log.dirs=${join(folder, 'logs')}`,
      ...properties,
    ].join('\n'),
  )
  const java = (args: readonly string[]): string[] => ['-cp', classPath, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', ...args]
  execFileSync('java', java(['-Xmx128m', 'kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', file, ...format]), { stdio: 'pipe' })
  let process: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const output = openSync(join(folder, 'output.txt'), 'a')
    process = spawn('sh', withRun('java', [...jvm, ...java(['kafka.Kafka', file])]), { stdio: ['ignore', output, output], detached: true })
    endWithRun(name, process.pid as number)
    process.unref()
    for (const { address } of addresses) await reachable(address, process, folder)
  }
  await start()
  return {
    address: addresses[0]?.address ?? '',
    addresses: addresses.map(({ address }) => address),
    classPath,
    start,
    kill: async () => {
      const running = process
      if (running === undefined || running.exitCode !== null) return
      const ended = new Promise((resolve) => running.once('exit', resolve))
      globalThis.process.kill(-(running.pid as number), 'SIGKILL')
      await ended
    },
  }
}

/** Compiled lightly and collected by one thread: quick to start, small, and the tests' own cores stay free. */
const TEST_JVM = ['-Xmx384m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** One copy of everything, and group times short enough for tests of hand-over and expiry. */
const BROKER_PROPERTIES = [
  'process.roles=broker,controller',
  'node.id=1',
  'controller.listener.names=CONTROLLER',
  'offsets.topic.replication.factor=1',
  'offsets.topic.num.partitions=4',
  'transaction.state.log.replication.factor=1',
  'transaction.state.log.min.isr=1',
  'transaction.state.log.num.partitions=2',
  'group.initial.rebalance.delay.ms=0',
  'group.min.session.timeout.ms=500',
  'group.consumer.min.session.timeout.ms=500',
  'group.consumer.session.timeout.ms=2000',
  'group.consumer.min.heartbeat.interval.ms=100',
  'group.consumer.heartbeat.interval.ms=200',
  'auto.create.topics.enable=false',
]

/** A leading hyphen would be taken for an option. */
const clusterId = (): string => randomBytes(16).toString('base64url').replace(/^-/, 'A')

const reachable = async (address: string, process: ChildProcess, folder: string): Promise<void> => {
  const [host = '', port] = address.split(':')
  const deadline = performance.now() + START_MS_MAX
  while (performance.now() < deadline) {
    if (process.exitCode !== null) break
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), host, () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (open) return
    await delay(100)
  }
  throw new Error(`Kafka did not come up at ${address}: ${readFileSync(join(folder, 'output.txt'), 'utf8').slice(-2_000)}`)
}
