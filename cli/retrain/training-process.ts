/**
 * Trains and judges one successor in a process of its own: `node cli/retrain/training-process.ts '<TrainingOrder as JSON>'`, started by
 * `training-child.ts` with less priority than the engine, a heap limit and few threads. Reads the engine's logs beside it, publishes the bundle into
 * the registry without moving an alias, and tells its parent over the channel. Ends when the parent is gone.
 */
import { join } from 'node:path'
import type { NamedFeatureSet } from '#features/sets.ts'
import { parseReference } from '#registry/model-reference.ts'
import { resolve } from '#registry/resolve.ts'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { openVault } from '#streams/embedded/vault.ts'
import type { EventLog, Vault } from '#streams/ports.ts'
import { FeatureParity } from '#training/gates/feature-parity-gate.ts'
import type { DataSource } from '#training/model-card.ts'
import type { TrainingProgress } from '#training/training-report.ts'
import { train, type TrainResult } from '#training/train.ts'
import { doubtfulData } from './doubtful-data.ts'
import { groupsFrom, type GroupsOf } from './fairness-gate.ts'
import { judgeSuccessor } from './judge.ts'
import { featureSetOfBundle } from '../feature-sets.ts'
import { openTopicsReadOnly } from '../read-only-log.ts'
import { linkedSource } from './linked-source.ts'
import { decidedVectors, logSource } from './log-source.ts'
import { openLearner } from './open-learner.ts'
import { standBack } from './stand-back.ts'
import type { TrainingMessage, TrainingOrder } from './training-order.ts'

const VAULT_ROWS_A_READ = 1_000
/**
 * Newest applications that are the present population: enough for deciles and for calibration in the large to ±0.07, few enough to be of today. A
 * quarter as many held out come from the same days.
 */
const RECENT_MAX = 1_000
/** Held-out applicants on whom approvals are judged: ratios of two groups of four hundred are known to ±14 %, of a hundred and fifty to ±23 %. */
const APPROVAL_HOLDOUT_MAX = 1_000
const MICROSECONDS = 1e-6
const KIBI = 1024

const tell = (message: TrainingMessage): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, () => resolve())
    else resolve()
  })

const source = (requestId: string): DataSource => ({
  name: `the engine’s own event log, as known at request ${requestId}`,
  licence: 'as the events',
  purpose: 'Probability that an applicant defaults within the horizon of the observed outcomes, for the decisions that the engine makes.',
  notes: [
    'Applications are learned from with the features they had at their own moment and outcomes that had come in before the request.',
    'Applicants touched by events of doubtful quality, and erased ones, are left out.',
  ],
  limits: ['Declined applications have no observed outcome and are not learned from: the population is that of the accepted.'],
})

/** Few messages: the parent shows them to people. */
const reporter = (): ((progress: TrainingProgress) => void) => {
  return (progress) => {
    switch (progress.kind) {
      case 'replay':
        void tell({ kind: 'progress', stage: 'replay', done: progress.events, total: null })
        break
      case 'fit':
        void tell({ kind: 'progress', stage: `fit: ${progress.what}`, done: progress.done, total: progress.total })
        break
      case 'stage':
        void tell({ kind: 'progress', stage: progress.what, done: null, total: null })
        break
      default:
        progress satisfies never
    }
  }
}

/** Groups of the given applicants; `yearOf` is the year of their application, for ages. Rows of erased subjects carry nothing. */
const groupsIn = (vault: Vault, yearOf: ReadonlyMap<string, number>): GroupsOf => {
  const known = new Map<string, Readonly<Record<string, string>>>()
  for (let next = 0; ;) {
    const rows = vault.read(next, VAULT_ROWS_A_READ)
    if (rows.length === 0) break
    for (const { sequence, subject, attributes } of rows) {
      next = sequence + 1
      const year = yearOf.get(subject)
      if (year === undefined) continue
      if (attributes === null) known.delete(subject)
      else known.set(subject, { ...known.get(subject), ...groupsFrom(attributes, year) })
    }
  }
  return (applicantId) => known.get(applicantId)
}

/** Read beside the engine: the files of its data directory, or the topics, from their earliest records to where they end now. */
const openLogs = async ({ dataDir, kafka }: TrainingOrder): Promise<EventLog> => {
  // Slow beats a request that fails: it has until its time is up.
  if (kafka !== undefined) return openTopicsReadOnly({ dataDir, ...kafka, registryAway: 'waits' })
  const { partitions } = readFormat(dataDir)
  return openReadOnly({
    folder: join(dataDir, 'log'),
    partitions: topicPartitions(partitions),
    topics: ['credit-events', 'decisions', 'dead-letters', 'alerts', 'linked-entities'],
  })
}

const trainSuccessor = async (order: TrainingOrder, log: EventLog, { set, own, ownAt, monotone, reasonGroups }: NamedFeatureSet) => {
  const names = own.features.map(({ name }) => name)
  // A live engine may have read a linked entity a moment older: replay judges those by their versions.
  const ofApplicant = (vector: Float32Array) => Float32Array.from(ownAt, (place) => vector[place]!)
  const decided = await decidedVectors(log, set.hash)
  const parity = new FeatureParity(new Map([...decided].map(([id, vector]) => [id, ofApplicant(vector)])))
  const yearOf = new Map<string, number>()
  const { name, selector } = parseReference(order.champion)
  const result = await train({
    events: logSource({ ...order, log, isDoubtful: await doubtfulData(log) }),
    source: source(order.requestId),
    featureSet: set,
    linked: await linkedSource(log, set),
    monotone,
    reasonGroups,
    out: order.modelsDir,
    learner: openLearner(order.learner, order.device),
    name,
    parent: selector,
    plan: order.plan,
    threads: order.threads,
    maturedBy: order.maturedBy,
    rowsMax: order.rowsMax,
    recentMax: RECENT_MAX,
    onVector(application, vector) {
      parity.see(application, ofApplicant(vector), names)
      yearOf.set(application.applicantId, new Date(application.eventTime).getUTCFullYear())
    },
    onProgress: reporter(),
  })
  return { result, parity, yearOf }
}

const judge = async (
  order: TrainingOrder,
  { set }: NamedFeatureSet,
  result: TrainResult,
  parity: FeatureParity,
  yearOf: ReadonlyMap<string, number>,
) => {
  void tell({ kind: 'progress', stage: 'gates', done: null, total: null })
  const vault = openVault(join(order.dataDir, 'vault'))
  try {
    return await judgeSuccessor({
      successorDir: result.directory,
      championDir: resolve(order.modelsDir, order.champion).directory,
      featureSet: set,
      holdout: result.holdout,
      presentSince: result.presentSince,
      approvalRows: APPROVAL_HOLDOUT_MAX,
      parity,
      groupsOf: groupsIn(vault, yearOf),
      // Engines that share a log have a vault each.
      vault: order.kafka === undefined ? 'whole' : 'own-part',
      fairness: order.fairness,
      now: () => performance.now(),
    })
  } finally {
    await vault.close()
  }
}

const main = async (): Promise<void> => {
  const began = performance.now()
  const order = JSON.parse(process.argv[2] ?? '{}') as TrainingOrder
  if (order.priority === 'idle') standBack()
  const log = await openLogs(order)
  try {
    // A successor is trained on its champion's features.
    const features = featureSetOfBundle(order.modelsDir, order.champion)
    const { result, parity, yearOf } = await trainSuccessor(order, log, features)
    const gates = await judge(order, features, result, parity, yearOf)
    const { user, system } = process.cpuUsage()
    await tell({
      kind: 'trained',
      modelVersion: `${result.manifest.name}@${result.version}`,
      gates,
      library: result.manifest.training.library,
      rows: result.manifest.data.rows,
      excluded: result.excluded,
      cpuSeconds: (user + system) * MICROSECONDS,
      wallSeconds: (performance.now() - began) / 1000,
      rssBytesMax: process.resourceUsage().maxRSS * KIBI,
    })
  } finally {
    await log.close()
  }
}

process.on('disconnect', () => process.exit(1))
// Ctrl-C reaches the whole group: the engine decides when this process ends.
process.on('SIGINT', () => {})

main().then(
  () => process.exit(0),
  async (error: unknown) => {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'training-failed'
    await tell({ kind: 'failed', code, detail: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  },
)
