/** Real Redis servers for tests, each in a folder of its own on a free port, ended with the process that started them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { redisBinary } from './redis-binary.ts'

/** Cluster nodes talk on their port + 10,000. */
const PORT_MAX = 55_535
const UP_MS_MAX = 15_000

export const freePort = async (): Promise<number> => {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    if (port <= PORT_MAX) return port
  }
}

export interface RedisServerOptions {
  /** Words after `redis-server`, such as `--appendonly yes`. */
  readonly args?: readonly string[]
  /** Runs as a Sentinel, with the file of settings written by this. */
  readonly sentinel?: (folder: string, port: number) => string
}

/** One server that can be killed and started again over its own folder. */
export class RedisServer {
  readonly port: number
  readonly folder: string
  readonly #options: RedisServerOptions
  #child: ChildProcess | undefined

  constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port
    this.folder = folder
    this.#options = options
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const binary = redisBinary()
    if (binary.kind === 'absent') throw new Error(binary.reason)
    const { args = [], sentinel } = this.#options
    const common = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, '--save', '', '--logfile', 'redis.log']
    const words = sentinel === undefined ? [...common, ...args] : [sentinel(this.folder, this.port), '--sentinel']
    const child = spawn(binary.server, words, { stdio: 'ignore' })
    this.#child = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    await this.up()
  }

  /** Resolves once it answers and has loaded what its folder holds. */
  async up(): Promise<void> {
    const deadline = performance.now() + UP_MS_MAX
    for (;;) {
      const client = this.client()
      try {
        await client.connect()
        await client.ping()
        return
      } catch (error) {
        if (performance.now() > deadline)
          throw new Error(`redis-server on port ${this.port} did not come up: ${String(error)}`, { cause: error })
        await new Promise((done) => setTimeout(done, 20))
      } finally {
        client.disconnect()
      }
    }
  }

  /** A client of the test's own; it retries nothing. */
  client(): Redis {
    const client = new Redis({ port: this.port, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
    client.on('error', () => {})
    return client
  }

  /** Runs one command on a connection of its own. */
  async call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const client = this.client()
    try {
      await client.connect()
      return await client.call(command, ...args)
    } finally {
      client.disconnect()
    }
  }

  /** SIGKILL, SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async destroy(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export const startRedis = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
  const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'redis-')), options)
  await server.start()
  return server
}

/**
 * A server for suites that only use one: what `SCORESTREAM_TEST_REDIS` (host:port) names, whose other keys are left alone, or one of its own.
 * Suites keep apart by prefix.
 */
export const redisToUse = async (): Promise<{ readonly address: string; readonly end: () => Promise<void> }> => {
  const given = process.env['SCORESTREAM_TEST_REDIS'] ?? ''
  if (given !== '') return { address: given, end: () => Promise.resolve() }
  const server = await startRedis({ args: ['--appendonly', 'yes'] })
  return { address: server.address, end: () => server.destroy() }
}

/** Whether {@link redisToUse} finds one. */
export const hasRedisToUse = (): boolean => (process.env['SCORESTREAM_TEST_REDIS'] ?? '') !== '' || redisBinary().kind === 'ready'
