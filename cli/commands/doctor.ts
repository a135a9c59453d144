/** `scorestream doctor`: looks at everything the engine needs, before it is needed, and says how to mend what is wrong. */
import { existsSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import { CHECKPOINT_DEFAULTS } from '#streams/checkpoint/checkpointed-store.ts'
import { logNeededMs } from '#streams/checkpoint/log-needed.ts'
import { isDirectoryLocked, readFormat } from '#streams/embedded/data-directory.ts'
import { kafkaChecks } from '#streams/kafka/checks.ts'
import { notedTopicIds } from '#streams/kafka/noted-topics.ts'
import { silentLogger } from '#streams/logger.ts'
import { redisChecks } from '#streams/redis/checks.ts'
import { locateLightGbm } from '#training/lightgbm/library.ts'
import { checkpointSettings } from '../checkpoint-settings.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, text } from '../command.ts'
import { type Config, loadConfig } from '../config.ts'
import { EXIT } from '../exit.ts'
import { featureSetOfBundle } from '../feature-sets.ts'
import { portFree } from '../port-free.ts'
import { PROJECT_ROOT } from '../project.ts'
import { findEngine } from '../running-engine.ts'

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failure'
  readonly detail: string
}

const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail })
const warning = (check: string, detail: string): Finding => ({ check, state: 'warning', detail })
const failure = (check: string, detail: string): Finding => ({ check, state: 'failure', detail })
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Less than this left, and a log that stops growing is near: about 4 M events. */
const FREE_BYTES_MIN = 2 * 2 ** 30

const attempt = async (check: string, run: () => string | Promise<string>): Promise<Finding> => {
  try {
    return ok(check, await run())
  } catch (error) {
    return failure(check, messageOf(error))
  }
}

const nativeModules = (): Promise<Finding>[] =>
  [
    ['lmdb', async () => void (await import('lmdb'))],
    ['uWebSockets.js', async () => void (await import('uWebSockets.js'))],
    ['onnxruntime-node', async () => void (await import('onnxruntime-node'))],
    ['koffi', async () => void (await import('koffi'))],
  ].map(([name, load]) =>
    attempt(`native ${String(name)}`, async () => {
      await (load as () => Promise<void>)()
      return 'loads'
    }),
  )

const port = async (name: string, variable: string, host: string, number: number, mine: boolean): Promise<Finding> => {
  if (number === 0) return ok(name, 'any free port')
  if (mine) return ok(name, `${number}, held by the engine that runs on this directory`)
  return (await portFree(host, number))
    ? ok(name, `${host}:${number} is free`)
    : failure(name, `${host}:${number} is in use: end the other process (ss -ltnp 'sport = :${number}' names it) or set ${variable}`)
}

/** Nothing where the log is embedded. Only states in Redis have checkpoints: without, bounded retention is a warning at least. */
const kafka = async ({ log, state, dataDir }: Config): Promise<readonly Finding[]> => {
  if (log.kind !== 'kafka') return []
  const logNeeded = {
    ms: logNeededMs({ ...CHECKPOINT_DEFAULTS, ...checkpointSettings(state) }),
    because: `state.checkpointMinutes = ${state.checkpointMinutes}`,
  }
  try {
    const expectedTopicIds = notedTopicIds(dataDir, log.kafka)
    return await kafkaChecks(log.kafka, { partitions: log.partitions, expectedTopicIds, ...(state.kind === 'redis' ? { logNeeded } : {}) })
  } catch (error) {
    return [failure('kafka', messageOf(error))]
  }
}

/** Nothing where states are embedded. */
const redis = async ({ state }: Config): Promise<readonly Finding[]> =>
  state.kind === 'redis' ? redisChecks(state.redis, silentLogger, () => Date.now()) : []

const dataDirectory = (config: Config): Finding[] => {
  const { dataDir } = config
  const parent = existsSync(dataDir) ? dataDir : dirname(dataDir)
  const findings: Finding[] = []
  if (existsSync(parent)) {
    const { bavail, bsize } = statfsSync(parent)
    const free = bavail * bsize
    const detail = `${(free / 2 ** 30).toFixed(1)} GiB free at ${parent}`
    findings.push(
      free < FREE_BYTES_MIN
        ? warning('disk', `${detail}; the log needs about 0.5 KB an event, the warehouse as much again`)
        : ok('disk', detail),
    )
  }
  if (!existsSync(dataDir)) return [...findings, ok('data directory', `${dataDir} will be created`)]
  try {
    const { partitions } = readFormat(dataDir)
    findings.push(
      partitions === config.log.partitions
        ? ok('data directory', `${dataDir}, ${partitions} partitions`)
        : failure(
            'data directory',
            `${dataDir} has ${partitions} partitions, the configuration says ${config.log.partitions}: set log.partitions to ${partitions}`,
          ),
    )
    const running = findEngine(dataDir)
    findings.push(
      isDirectoryLocked(dataDir)
        ? ok('engine', running ? `runs as process ${running.pid} at ${running.http}` : 'a process holds the directory')
        : ok('engine', 'none runs on this directory'),
    )
    if ((statSync(dataDir).mode & 0o077) !== 0)
      findings.push(warning('permissions', `${dataDir} is readable by others: chmod 700 ${dataDir}`))
  } catch (error) {
    findings.push(failure('data directory', messageOf(error)))
  }
  return findings
}

const model = (config: Config): Promise<Finding> =>
  attempt('model and policy', async () => {
    const { directory } = resolve(config.models.dir, config.models.champion)
    const { name, set } = featureSetOfBundle(config.models.dir, config.models.champion)
    const scorer = await loadScorer({
      bundleDir: directory,
      policyPath: config.policy.file,
      featureSet: set,
      attribution: config.explain,
    })
    return `${scorer.modelVersion} agrees with ONNX Runtime; features ${name}, policy ${scorer.policyVersion}`
  })

const lightgbm = (): Finding => {
  try {
    return ok(
      'LightGBM',
      locateLightGbm({
        explicit: process.env['SCORESTREAM_LIGHTGBM_LIB'],
        virtualEnvironment: process.env['VIRTUAL_ENV'],
        projectRoot: PROJECT_ROOT,
      }),
    )
  } catch (error) {
    return warning('LightGBM', messageOf(error))
  }
}

const examine = async (config: Config): Promise<Finding[]> => {
  const { host, port: http, sqlPort } = config.gateway
  const mine = existsSync(config.dataDir) && findEngine(config.dataDir) !== undefined
  return [
    ok('node', `${process.versions.node} (${process.execPath})`),
    process.platform === 'linux'
      ? ok('platform', `${process.platform} ${process.arch}`)
      : warning('platform', `${process.platform} ${process.arch}: only Linux is tested`),
    ...(await Promise.all(nativeModules())),
    ...dataDirectory(config),
    ...(await kafka(config)),
    ...(await redis(config)),
    await port('HTTP port', 'SCORESTREAM_PORT', host, http, mine),
    await port('SQL port', 'SCORESTREAM_SQL_PORT', host, sqlPort, mine),
    await model(config),
    lightgbm(),
  ]
}

const SIGNS = { ok: '✓', warning: '!', failure: '✗' } as const

export const doctor: Command = {
  name: 'doctor',
  summary: 'Checks this machine, the configuration, the data directory, the ports, the model and the policy.',
  options: { ...DATA_OPTIONS, ...JSON_OPTION },
  notes: `
Changes nothing. Exit codes: 0 nothing failed (warnings may stand), 1 something failed, 78 the configuration itself is wrong.`,
  async run(options) {
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const findings = await examine(config)
    const failed = findings.some(({ state }) => state === 'failure')
    if (options['json'] === true) process.stdout.write(`${JSON.stringify({ healthy: !failed, findings }, null, 2)}\n`)
    else
      for (const { check, state, detail } of findings)
        process.stdout.write(`${SIGNS[state]} ${check.padEnd(24)} ${detail.replaceAll('\n', `\n${' '.repeat(27)}`)}\n`)
    return failed ? EXIT.findings : EXIT.ok
  },
}
