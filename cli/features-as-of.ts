/** `scorestream features as-of <decision>`: its features as known then and as known now, and whether that would change the decision. */
import type { FeatureSet } from '#features/feature-set.ts'
import { featureSetOfHash } from '#features/sets.ts'
import { type Decision, parseDecisionId, type Verdict } from '#schemas/decision.ts'
import { findDecision } from '#streams/find-decision.ts'
import { type AsOf, featuresAsOf } from '#streams/revisions/as-of.ts'
import { scorerOfDecision } from './bundle-of-decision.ts'
import { type OptionValues, text } from './command.ts'
import { type Config, loadConfig } from './config.ts'
import { CommandError, EXIT } from './exit.ts'
import { pipelineSettings } from './pipeline-settings.ts'
import { openLogs } from './read-only-log.ts'

interface Answer {
  readonly stored: Decision
  readonly asOf: AsOf
  /** The one it was decided under. */
  readonly set: FeatureSet
}

const positionOf = (ids: readonly string[]): { readonly id: string; readonly partition: number; readonly offset: number } => {
  const [id = ''] = ids
  const position = ids.length === 1 ? parseDecisionId(id) : undefined
  if (position === undefined)
    throw new CommandError('usage', `as-of takes one decision, e.g. 3-1204 (partition and offset), got "${ids.join(' ')}"`, EXIT.usage)
  return { id, ...position }
}

const look = async (config: Config, ids: readonly string[]): Promise<Answer> => {
  const { id, partition, offset } = positionOf(ids)
  const log = await openLogs(config)
  try {
    const stored = await findDecision(log, partition, offset)
    if (stored === undefined)
      throw new CommandError(
        'no-decision',
        `no decision is believed at ${id}; ids stand in the feed and in the column decision_id`,
        EXIT.noInput,
      )
    const { featureSetHash } = stored.body
    const set = featureSetOfHash(featureSetHash)?.set
    if (set === undefined)
      throw new CommandError(
        'unknown-features',
        `${id} was decided under feature set ${featureSetHash.slice(0, 12)}, which this release does not have; use the one that decided it`,
        EXIT.noInput,
      )
    const { time, dedupe } = pipelineSettings(config)
    const answer = await featuresAsOf(stored, set, { log, rules: { time, dedupe } })
    if (answer.kind === 'unknown') throw new CommandError('no-history', answer.detail, EXIT.noInput)
    return { stored, asOf: answer.asOf, set }
  } finally {
    await log.close()
  }
}

const verdictNow = async ({ stored, asOf }: Answer, { dataDir, policy, models, explain }: Config): Promise<Verdict> => {
  const scorer = await scorerOfDecision(stored, { dataDir, policy, modelsDir: models.dir, explain })
  return scorer.decide(asOf.application, asOf.asKnownNow, 0, stored.body.degraded)
}

const shown = (value: number): string => (Number.isNaN(value) ? 'missing' : String(value))

const table = ({ stored, set, asOf: { asKnownNow, late } }: Answer, verdict: Verdict): string => {
  const { body } = stored
  const names = set.features.map(({ name }) => name)
  const width = Math.max(...names.map((name) => name.length))
  const lines = names.map((name, i) => {
    const [old = Number.NaN, is = Number.NaN] = [body.vector[i], asKnownNow[i]]
    return `${Object.is(old, is) ? ' ' : '≠'} ${name.padEnd(width)}  ${shown(old).padEnd(20)}  ${shown(is)}`
  })
  const causes = late.map(
    ({ event, offset }) =>
      `  ${body.partition}-${offset}  ${event.kind} ${event.eventId} of ${new Date(event.eventTime).toISOString()} from ${event.producer}`,
  )
  const said = (of: Verdict): string => `${of.decision}, probability ${of.probability.toFixed(6)}`
  return [
    `  ${'feature'.padEnd(width)}  ${'as known then'.padEnd(20)}  as known now`,
    ...lines,
    causes.length === 0 ? 'Nothing came in later about the time before it.' : 'Came in later:',
    ...causes,
    `Decided: ${said(body)}, by ${body.modelVersion} and ${body.policyVersion}`,
    `As known now: ${said(verdict)}${verdict.decision === body.decision ? '' : ' — it would flip'}`,
    '',
  ].join('\n')
}

const numberOrNull = (value: number): number | null => (Number.isNaN(value) ? null : value)

export const asOf = async (options: OptionValues, ids: readonly string[]): Promise<number> => {
  const config = loadConfig({
    file: text(options, 'config'),
    environment: process.env,
    overrides: { dataDir: text(options, 'data-dir') },
  })
  const answer = await look(config, ids)
  const { stored, asOf: known, set } = answer
  const verdict = await verdictNow(answer, config)
  const document = {
    id: ids[0],
    features: set.features.map(({ name }, i) => ({
      name,
      asKnownThen: numberOrNull(stored.body.vector[i] ?? Number.NaN),
      asKnownNow: numberOrNull(known.asKnownNow[i] ?? Number.NaN),
    })),
    late: known.late.map(({ event, offset }) => ({
      position: `${stored.body.partition}-${offset}`,
      eventId: event.eventId,
      kind: event.kind,
      eventTime: new Date(event.eventTime).toISOString(),
    })),
    decision: stored.body.decision,
    probability: stored.body.probability,
    decisionNow: verdict.decision,
    probabilityNow: verdict.probability,
    flips: verdict.decision !== stored.body.decision,
  }
  process.stdout.write(options['json'] === true ? `${JSON.stringify(document)}\n` : table(answer, verdict))
  return known.changes.length === 0 ? EXIT.ok : EXIT.findings
}
