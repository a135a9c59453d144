/** `scorestream models`: what the registry holds, and which version decides. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readGateReport } from '#registry/gate-report.ts'
import { listModels, type ListedModel } from '#registry/list.ts'
import { type Alias, isAlias, parseReference } from '#registry/model-reference.ts'
import { type AliasMove, promote, rollBack } from '#registry/promote.ts'
import { readPromotions } from '#registry/promotion-ledger.ts'
import { resolve } from '#registry/resolve.ts'
import { nearest } from '#schemas/nearest.ts'
import { personally } from '../attribution.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, type OptionValues, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { readInForce } from '../evolution/in-force.ts'
import { requireParity } from '../parity/refuse-promotion.ts'
import { describeGate } from '../retrain/describe-gate.ts'

interface Registry {
  readonly dir: string
  /** Model that the configuration names. */
  readonly name: string
}

const ACTIONS = ['list', 'show', 'promote', 'rollback'] as const
type Action = (typeof ACTIONS)[number]

const usage = (message: string): never => {
  throw new CommandError('usage', `${message}\nTry: scorestream models --help`, EXIT.usage)
}

const actionOf = (given: string | undefined): Action => {
  const action = ACTIONS.find((known) => known === given)
  if (action !== undefined) return action
  const hint = given === undefined ? undefined : nearest(given, ACTIONS)
  return usage(
    given === undefined
      ? `say what to do: ${ACTIONS.join(', ')}`
      : `models cannot "${given}"${hint ? `; did you mean "${hint}"?` : `; it can ${ACTIONS.join(', ')}`}`,
  )
}

/** `version`, `name@version` or an alias, as a reference of the registry. */
const referenceOf = ({ name }: Registry, given: string): string => (given.includes('@') ? given : `${name}@${given}`)

const aliasOf = (options: OptionValues): Alias => {
  const alias = text(options, 'alias') ?? 'champion'
  return isAlias(alias) ? alias : usage(`--alias takes champion, challenger or fallback, got "${alias.slice(0, 64)}"`)
}

const out = (options: OptionValues, document: unknown, lines: () => string): void => {
  process.stdout.write(options['json'] === true ? `${JSON.stringify(document)}\n` : lines())
}

const metric = ({ manifest }: ListedModel, name: string): string => manifest.metrics[name]?.value.toFixed(4) ?? '–'

const list = (registry: Registry, options: OptionValues): void => {
  const models = listModels(registry.dir)
  const document = models.map(({ name, version, aliases, bundleHash, manifest }) => {
    const { parent, metrics, training, data } = manifest
    return { name, version, aliases, bundleHash, parent, library: training.library, rows: data.rows, metrics }
  })
  out(options, document, () => {
    const head = `${'model'.padEnd(24)}${'aliases'.padEnd(24)}${'AUC'.padEnd(8)}${'log loss'.padEnd(10)}${'rows'.padEnd(8)}parent`
    const rows = models.map((model) => {
      const { name, version, aliases, manifest } = model
      const id = `${name}@${version}`.padEnd(24)
      return `${id}${(aliases.join(', ') || '–').padEnd(24)}${metric(model, 'auc').padEnd(8)}${metric(model, 'logLoss').padEnd(10)}${String(manifest.data.rows).padEnd(8)}${manifest.parent ?? '–'}`
    })
    return `${[head, ...rows].join('\n')}\n`
  })
}

const show = (registry: Registry, options: OptionValues, given: string): void => {
  const { name, version, directory, manifest, bundleHash } = resolve(registry.dir, referenceOf(registry, given))
  const gates = readGateReport(directory)
  const promotions = readPromotions(registry.dir, name).filter((move) => move.version === version || move.previousVersion === version)
  out(options, { name, version, directory, bundleHash, manifest, gates, promotions }, () => {
    const metrics = Object.entries(manifest.metrics).map(
      ([key, { value, low, high }]) => `  ${key.padEnd(24)} ${value.toFixed(4)}  [${low.toFixed(4)}, ${high.toFixed(4)}]`,
    )
    const judged = gates === undefined ? ['  not judged against a champion'] : gates.gates.map((gate) => `  ${describeGate(gate)}`)
    const moves = promotions.map(
      ({ at, alias, version: to, previousVersion, actor, reason }) =>
        `  ${new Date(at).toISOString()}  ${alias}: ${previousVersion ?? 'nothing'} → ${to}, by ${actor}: ${reason}`,
    )
    return [
      `${name}@${version}`,
      `  ${directory}`,
      `  bundle ${bundleHash}`,
      `  parent ${manifest.parent ?? '–'}; ${manifest.training.library}`,
      `  ${manifest.data.rows} applications, ${manifest.data.holdoutRows} of them held out, bad rate ${manifest.data.badRate.toFixed(4)}`,
      'Metrics on the untouched applicants, with 95 % intervals',
      ...metrics,
      'Gates',
      ...judged,
      'Moves of aliases',
      ...(moves.length === 0 ? ['  none recorded'] : moves),
      existsSync(join(directory, 'MODEL_CARD.md')) ? `Model card: ${join(directory, 'MODEL_CARD.md')}\n` : '',
    ].join('\n')
  })
}

const said = (registry: Registry, options: OptionValues, name: string, { alias, from, to }: AliasMove): void =>
  out(options, { name, alias, from, to, moved: from !== to }, () =>
    from === to
      ? `${alias} of ${name} is ${to} already\n`
      : `${alias} of ${name}: ${from ?? 'nothing'} → ${to}\nA running engine on ${registry.dir} takes it up within a second, between two batches.\n`,
  )

/** A bundle of another feature set does not decide at once. */
const noteOtherSet = (dataDir: string, featureSetHash: string): void => {
  const inForce = readInForce(dataDir)
  if (inForce === undefined || inForce.featureSetHash === featureSetHash) return
  process.stderr.write(
    `its feature set is another than the one in force on ${dataDir}: ${inForce.modelVersion} goes on deciding until the states of that set are filled and compared; scorestream features certificates shows what came of it\n`,
  )
}

export const models: Command = {
  name: 'models',
  summary: 'Lists and shows model bundles, and moves the aliases that choose which of them decides.',
  positionals: '<list | show VERSION | promote VERSION | rollback>',
  options: {
    ...DATA_OPTIONS,
    'models-dir': { type: 'string', value: 'DIR', help: 'registry folder (default: models.dir of the configuration)' },
    alias: { type: 'string', value: 'ALIAS', help: 'champion (default), challenger or fallback' },
    why: { type: 'string', value: 'TEXT', help: 'reason, recorded with the move' },
    ...JSON_OPTION,
  },
  notes: `
VERSION is a version (3f2a90b1c4de), name@version, or an alias. Files are verified before an alias moves, the move is one atomic rename, and who,
when and why go to promotions.jsonl beside the bundles; a running engine swaps between two batches and tells the topic model-events.
The champion does not move while live features differ from what the events say by more than parity.budget (the table parity of the warehouse).

  scorestream models promote 3f2a90b1c4de --why "gates passed, reviewed by risk"
  scorestream models rollback --why "approval rate fell"

Exit codes: 0 done, 64 usage, 65 the bundle or its files are refused.`,
  async run(options, [given, subject, ...rest]) {
    const action = actionOf(given)
    if (rest.length > 0) usage(`${action} takes one version, got also "${rest[0]}"`)
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const dir = text(options, 'models-dir') ?? config.models.dir
    const registry: Registry = { dir, name: parseReference(config.models.champion).name }
    const wanted = (): string => subject ?? usage(`name the version to ${action}; scorestream models list shows them`)
    const why = personally(text(options, 'why') ?? 'no reason given', Date.now())
    switch (action) {
      case 'list':
        list(registry, options)
        break
      case 'show':
        show(registry, options, wanted())
        break
      case 'promote': {
        const { name, version, manifest } = resolve(registry.dir, referenceOf(registry, wanted()))
        const parity = aliasOf(options) === 'champion' ? await requireParity(config) : undefined
        if (parity !== undefined) process.stderr.write(`live features: ${parity}\n`)
        said(registry, options, name, promote(registry.dir, name, version, aliasOf(options), why))
        if (aliasOf(options) === 'champion') noteOtherSet(config.dataDir, manifest.featureSetHash)
        break
      }
      case 'rollback':
        if (subject !== undefined) usage(`rollback takes no version, got "${subject}"; promote ${subject} instead`)
        said(registry, options, registry.name, rollBack(registry.dir, registry.name, aliasOf(options), why))
        break
      default:
        action satisfies never
    }
    return EXIT.ok
  },
}
