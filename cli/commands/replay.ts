/** `scorestream replay <id>`: a past decision again, from the log, in this fresh process; the same bytes, or the cause by name. */
import { join } from 'node:path'
import type { FeatureSet } from '#features/feature-set.ts'
import { featureSetOfHash } from '#features/sets.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { Scorer } from '#scoring/scorer.ts'
import { type Decision, parseDecisionId } from '#schemas/decision.ts'
import type { EventLog } from '#streams/ports.ts'
import { findDecision } from '#streams/find-decision.ts'
import { type Difference, type ReplayResult, replayDecision } from '#streams/replay.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, text } from '../command.ts'
import { type Config, loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { pipelineSettings } from '../pipeline-settings.ts'
import { archivedPolicy, policySince } from '../policy-archive.ts'
import { openLogs } from '../read-only-log.ts'

type Loaded =
  | { readonly kind: 'loaded'; readonly scorer: Scorer; readonly featureSet: FeatureSet }
  | { readonly kind: 'failed'; readonly difference: Difference }

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const orCause = async <Value>(
  cause: Difference['cause'],
  run: () => Value | Promise<Value>,
): Promise<{ value: Value } | { difference: Difference }> => {
  try {
    return { value: await run() }
  } catch (error) {
    return { difference: { cause, detail: messageOf(error) } }
  }
}

const unknownSet = (hash: string): string =>
  `decided under feature set ${hash}, which this release does not have: use the release that decided it`

/** The bundle, features and policy that decided, wherever champion and configuration point today. */
const loadAsThen = async ({ body }: Decision, config: Config): Promise<Loaded> => {
  const bundle = await orCause('model', () => resolve(config.models.dir, body.modelVersion))
  if ('difference' in bundle) return { kind: 'failed', difference: bundle.difference }
  const featureSet = featureSetOfHash(body.featureSetHash)?.set
  if (featureSet === undefined) return { kind: 'failed', difference: { cause: 'feature', detail: unknownSet(body.featureSetHash) } }
  const policy = await orCause('policy', () => archivedPolicy(config, body.policyVersion))
  if ('difference' in policy) return { kind: 'failed', difference: policy.difference }
  const bundleDir = join(bundle.value.directory)
  const scorer = await orCause('model', () => loadScorer({ bundleDir, policyPath: policy.value, featureSet, attribution: config.explain }))
  return 'difference' in scorer ? { kind: 'failed', difference: scorer.difference } : { kind: 'loaded', scorer: scorer.value, featureSet }
}

const stored = async (log: EventLog, id: string): Promise<Decision> => {
  const position = parseDecisionId(id)
  if (position === undefined)
    throw new CommandError('usage', `"${id}" is no decision id; one looks like 3-1204: partition and offset of the application`, EXIT.usage)
  const found = await findDecision(log, position.partition, position.offset)
  if (found === undefined)
    throw new CommandError(
      'no-decision',
      `no decision is believed at ${id}; ids stand in the feed and in the column decision_id`,
      EXIT.noInput,
    )
  return found
}

const replayOne = async (id: string, config: Config): Promise<ReplayResult> => {
  const log = await openLogs(config)
  try {
    const then = await stored(log, id)
    const loaded = await loadAsThen(then, config)
    if (loaded.kind === 'failed') return { kind: 'different', stored: then, differences: [loaded.difference] }
    const { time, dedupe } = pipelineSettings(config)
    return await replayDecision(id, { log, featureSet: loaded.featureSet, decider: loaded.scorer, time, dedupe })
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError('data', `data: ${messageOf(error)}`, EXIT.findings, { cause: error })
  } finally {
    await log.close()
  }
}

const describe = (id: string, result: ReplayResult, policyFile: string): string => {
  switch (result.kind) {
    case 'same': {
      const { body, capsuleHash } = result.stored
      const since = policySince(policyFile, body.policyVersion)
      return `${id}: the same, bit for bit\n  ${body.decision}, probability ${body.probability.toFixed(6)}, ${body.score.toFixed(1)} points, by ${body.modelVersion} and ${body.policyVersion}\n  refolded from ${result.eventsFolded} events; capsule ${capsuleHash}\n${since === undefined ? '' : `  ${since}\n`}`
    }
    case 'different':
      return `${id}: DIFFERENT\n${result.differences.map(({ cause, detail }) => `  cause ${cause}: ${detail}\n`).join('')}`
    case 'absent':
      return `${id}: ${result.detail}\n`
    default:
      return result satisfies never
  }
}

const asJson = (id: string, result: ReplayResult): string =>
  JSON.stringify({
    id,
    result: result.kind,
    ...(result.kind === 'same' ? { capsuleHash: result.stored.capsuleHash, eventsFolded: result.eventsFolded } : {}),
    ...(result.kind === 'different' ? { differences: result.differences } : {}),
    ...(result.kind === 'absent' ? { detail: result.detail } : {}),
  })

export const replay: Command = {
  name: 'replay',
  summary:
    'Refolds the applicant of a past decision from the input log, scores again with the bundle and policy of that time, and compares every byte.',
  positionals: '<partition>-<offset> …',
  options: { ...DATA_OPTIONS, ...JSON_OPTION },
  notes: `
Works beside a running engine and without one; changes nothing. A difference is traced to its cause: data (an event changed), feature, model,
policy, degrade, runtime or chain (the stored capsule itself changed).

Exit codes: 0 all the same, 1 a difference, 64 usage, 66 no such decision.`,
  async run(options, ids) {
    if (ids.length === 0)
      throw new CommandError('usage', 'name at least one decision, e.g. 3-1204\nTry: scorestream replay --help', EXIT.usage)
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    let same = true
    for (const id of ids) {
      const result = await replayOne(id, config)
      same &&= result.kind === 'same'
      process.stdout.write(options['json'] === true ? `${asJson(id, result)}\n` : describe(id, result, config.policy.file))
    }
    return same ? EXIT.ok : EXIT.findings
  },
}
