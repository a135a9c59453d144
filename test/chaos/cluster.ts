/** A cluster for faults: a broker, a Redis that keeps an append-only file, where asked for a ClickHouse server, and engine processes that share them. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { type Broker, startBroker } from '../servers/kafka.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { ClickHouseServer } from '../streams/support/clickhouse-server.ts'

export const PARTITIONS = 12
/** What the test broker sets for groups of the consumer protocol. */
export const SESSION_MS = 2_000

const REDIS_ARGS = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction']

export class Cluster {
  readonly folder: string
  readonly broker: Broker
  readonly redis: RedisServer
  /** Written to by the process at place 0, and by no other. */
  readonly warehouse: ClickHouseServer | undefined
  readonly engines: (EngineProcess | undefined)[] = []

  private constructor(folder: string, broker: Broker, redis: RedisServer, warehouse: ClickHouseServer | undefined) {
    this.folder = folder
    this.broker = broker
    this.redis = redis
    this.warehouse = warehouse
  }

  /** `name` is the broker's, of which there may be several in a run. */
  static async start(name: string, { withWarehouse = false, transactionalDecisions = false } = {}): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'scorestream-chaos-'))
    const warehouse = withWarehouse ? new ClickHouseServer() : undefined
    await warehouse?.start()
    const cluster = new Cluster(folder, await startBroker({ name }), await startRedis({ args: REDIS_ARGS }), warehouse)
    const config = {
      log: {
        kind: 'kafka',
        partitions: PARTITIONS,
        kafka: {
          brokers: [cluster.broker.address],
          replicas: 1,
          minInsyncReplicas: 1,
          transactionalDecisions,
          group: { sessionTimeoutMs: SESSION_MS },
        },
      },
      state: { kind: 'redis', checkpointsDir: join(folder, 'checkpoints'), redis: { addresses: cluster.redis.address } },
      warehouse: { kind: 'server', ...(warehouse === undefined ? {} : { server: warehouse.settings() }) },
    }
    writeFileSync(join(folder, 'cluster.yaml'), stringify(config))
    return cluster
  }

  /** Starts the process of a place, with a data directory of its own that outlives it. */
  async begin(place: number): Promise<void> {
    mkdirSync(join(this.folder, `engine-${place}`), { recursive: true })
    this.engines[place] = await startEngine(join(this.folder, `engine-${place}`), {
      environment: { SCORESTREAM_WAREHOUSE_KIND: this.warehouse !== undefined && place === 0 ? 'server' : 'off' },
      arguments: ['--config', join(this.folder, 'cluster.yaml'), '--log-level', 'warn'],
    })
  }

  engine(place: number): EngineProcess {
    const found = this.engines[place]
    if (found === undefined) throw new Error(`no engine runs at place ${place}`)
    return found
  }

  async killEngine(place: number): Promise<void> {
    await this.engine(place).kill()
    this.engines[place] = undefined
  }

  /** A figure of a process's /metrics; NaN where it says none. */
  async metric(place: number, name: string): Promise<number> {
    const text = await (await fetch(`${this.engine(place).http}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)
  }

  /** Partitions a process works on, by its own account. */
  async workedOn(place: number): Promise<number> {
    const answer = await fetch(`${this.engine(place).http}/readyz`)
    return Number(/works on (\d+) partitions/.exec(await answer.text())?.[1] ?? 0)
  }

  /** Resolves with the milliseconds until the processes there are work on all partitions. */
  async whole(msMax = 60_000): Promise<number> {
    const started = performance.now()
    for (;;) {
      const places = [...this.engines.keys()].filter((place) => this.engines[place] !== undefined)
      const counts = await Promise.all(places.map((place) => this.workedOn(place).catch(() => 0)))
      if (counts.reduce((sum, count) => sum + count, 0) === PARTITIONS) return performance.now() - started
      if (performance.now() - started > msMax) throw new Error(`after ${msMax} ms the processes work on ${counts.join(' + ')} partitions`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Keeps what Redis has on disk now, for {@link rollBackRedis}. */
  copyRedis(): void {
    rmSync(join(this.folder, 'redis-copy'), { recursive: true, force: true })
    cpSync(this.redis.folder, join(this.folder, 'redis-copy'), { recursive: true })
  }

  async restartRedis(): Promise<void> {
    await this.redis.kill()
    await this.redis.start()
  }

  async rollBackRedis(): Promise<void> {
    await this.redis.kill()
    for (const name of ['appendonlydir', 'dump.rdb']) {
      rmSync(join(this.redis.folder, name), { recursive: true, force: true })
      const kept = join(this.folder, 'redis-copy', name)
      if (existsSync(kept)) cpSync(kept, join(this.redis.folder, name), { recursive: true })
    }
    await this.redis.start()
  }

  /** The last that each process said, and how it ended where it did. */
  lastWords(): string {
    return this.engines
      .map((engine, place) => {
        const ended = engine === undefined ? 'not running' : String(engine.child.exitCode ?? engine.child.signalCode ?? 'running')
        return `engine ${place} (${ended}):\n${engine?.complaints().slice(-20_000) ?? ''}\n`
      })
      .join('')
  }

  async end(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine?.kill()))
    await this.broker.kill()
    await this.redis.destroy()
    await this.warehouse?.remove()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
