/** An engine in a process of its own, as `scorestream serve` or `start` runs it, with what it uses of the machine. Linux: reads /proc. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
/** Clock ticks of /proc, per second: 100 on every Linux that Node runs on. */
const TICKS_PER_S = 100
/** A benchmark that waits longer than this on the engine fails by name instead of hanging. */
const ANSWER_MS_MAX = 60_000
const START_MS_MAX = 120_000
const END_MS_MAX = 60_000

export interface EngineOptions {
  readonly dataDir: string
  readonly modelsDir?: string
  readonly durability?: 'process-kill' | 'power-loss'
  /** Arguments of scorestream; `serve` by default. */
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Arguments of node itself, for profiling. */
  readonly nodeArgs?: readonly string[]
}

export interface Usage {
  readonly atMs: number
  /** CPU seconds since the process began, user and system, all threads. */
  readonly engineCpuS: number
  readonly warehouseCpuS: number
  /** Seconds in which the engine's main thread was ready to run and had no core. */
  readonly engineWaitS: number
  readonly engineRssBytes: number
  readonly warehouseRssBytes: number
  /** Theirs alone (heaps, stacks); the rest is pages of files, which the kernel takes back when it wants them. */
  readonly enginePrivateBytes: number
  readonly warehousePrivateBytes: number
}

export interface EngineProcess {
  readonly http: string
  readonly sql: string
  usage(): Usage
  /** Sum over the labels of a counter or gauge of /metrics. */
  metric(name: string, label?: string): Promise<number>
  query(sql: string): Promise<string>
  /** Bytes of the log's segments of a topic. */
  logBytes(topic: string): number
  /** Ends it cleanly. */
  end(): Promise<void>
}

const statOf = (pid: number): { parent: number; cpuS: number } => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { parent: Number(fields[1]), cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S }
}

const memoryOf = (pid: number, figure: 'VmRSS' | 'RssAnon'): number =>
  Number(new RegExp(`${figure}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024

/** Run-queue wait of the main thread: the second figure of schedstat, ns. */
const waitOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e9

const childOf = (parent: number): number | undefined =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        return statOf(pid).parent === parent
      } catch {
        return false
      }
    })

const folderBytes = (folder: string): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)

const get = async (url: string): Promise<string> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 400)}`)
  return answer.text()
}

export const startEngine = async (options: EngineOptions): Promise<EngineProcess> => {
  const {
    dataDir,
    modelsDir,
    durability = 'process-kill',
    command = ['serve', '--log-level', 'error'],
    nodeArgs = [],
    environment = {},
  } = options
  // As the npm scripts start it.
  const flags = ['--v8-pool-size=1', ...nodeArgs]
  const child = spawn(process.execPath, [...flags, join(ROOT, 'cli/scorestream.js'), ...command], {
    cwd: ROOT,
    env: {
      ...process.env,
      SCORESTREAM_DATA_DIR: dataDir,
      SCORESTREAM_PORT: '0',
      SCORESTREAM_SQL_PORT: '0',
      SCORESTREAM_DURABILITY: durability,
      ...(modelsDir === undefined ? {} : { SCORESTREAM_MODELS_DIR: modelsDir }),
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complained = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained = (complained + text).slice(-4000)))
  const ended = once(child, 'exit')
  const announced = async (): Promise<{ http: string; sql: string | null }> => {
    const began = performance.now()
    for (;;) {
      if (performance.now() - began > START_MS_MAX) child.kill('SIGKILL')
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the engine ended before it was ready: ${complained}`)
      try {
        return JSON.parse(readFileSync(join(dataDir, 'engine.json'), 'utf8')) as { http: string; sql: string | null }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  const { http, sql } = await announced()
  if (sql === null || child.pid === undefined) throw new Error('the engine runs without a warehouse: its rows would not be measured')
  const engine = child.pid
  const warehouse = childOf(engine)
  if (warehouse === undefined) throw new Error('the warehouse process was not found')
  return {
    http,
    sql,
    usage: () => ({
      atMs: performance.now(),
      engineCpuS: statOf(engine).cpuS,
      warehouseCpuS: statOf(warehouse).cpuS,
      engineWaitS: waitOf(engine),
      engineRssBytes: memoryOf(engine, 'VmRSS'),
      warehouseRssBytes: memoryOf(warehouse, 'VmRSS'),
      enginePrivateBytes: memoryOf(engine, 'RssAnon'),
      warehousePrivateBytes: memoryOf(warehouse, 'RssAnon'),
    }),
    async metric(name, label = '') {
      const lines = (await get(`${http}/metrics`)).split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      return lines.filter((line) => line.includes(label)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    query: async (text) => (await get(`${sql}/?database=scorestream&query=${encodeURIComponent(text)}`)).trim(),
    logBytes: (topic) => folderBytes(join(dataDir, 'log', topic)),
    async end() {
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
      await ended
      clearTimeout(killer)
      if (child.signalCode === 'SIGKILL') throw new Error(`the engine did not end within ${END_MS_MAX / 1000} s of SIGTERM: ${complained}`)
    },
  }
}
