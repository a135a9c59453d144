/** `scorestream import`: files of data to events, by a mapping. */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Reject } from '#streams/import/reject-log.ts'
import { type ImportProgress, type ImportSummary, runImport } from '#streams/import/run-import.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, type OptionValues, text } from '../command.ts'
import { CommandError, EXIT } from '../exit.ts'
import { type FoundMapping, findMapping, shippedMappings } from '../import/find-mapping.ts'
import { writeProfile } from '../import/write-profile.ts'
import { openTarget, type Target, targetOf } from '../import/open-target.ts'
import { type ProgressLine, progressLine, thousands } from '../progress.ts'

/** Rejects shown on the screen; all of them stand in the file. */
const SHOWN_MAX = 5

const originOf = (options: OptionValues): string | undefined => {
  const origin = text(options, 'origin')
  if (origin === undefined || (/^\d{4}-\d\d-\d\d$/.test(origin) && !Number.isNaN(Date.parse(origin)))) return origin
  throw new CommandError('usage', `--origin takes a day such as 2018-01-01, got "${origin}"`, EXIT.usage)
}

/** Beside what is imported, and by what: the same command finds its interrupted import again. */
const workFolder = (options: OptionValues, target: Target, { mapping }: FoundMapping, given: readonly string[]): string => {
  const named = text(options, 'work')
  if (named !== undefined) return resolve(named)
  if (target.kind === 'file') return `${target.path}.import`
  const name = createHash('sha256')
    .update(JSON.stringify([target, given.map((path) => resolve(path))]))
    .digest('hex')
    .slice(0, 8)
  return resolve(`import-${mapping.mapping}-${name}.work`)
}

const rejectsFile = (options: OptionValues, target: Target, { mapping }: FoundMapping): string | null => {
  const named = text(options, 'rejects')
  if (named !== undefined) return resolve(named)
  if (target.kind === 'nowhere') return null
  return target.kind === 'file' ? `${target.path}.rejects.ndjson` : resolve(`import-${mapping.mapping}.rejects.ndjson`)
}

const rejectLine = ({ file, line, table, eventId, rejection }: Reject): string => {
  const place = file === undefined ? `event ${eventId ?? ''}` : `${file}:${line ?? '?'}${table === undefined ? '' : ` (${table})`}`
  const [error] = rejection.errors
  const why =
    error === undefined
      ? rejection.detail
      : `${error.pointer.slice(1) || 'the record'}: ${error.value} is not ${error.expected}; ${error.remedy}`
  return `  ${place}: ${rejection.kind === null ? '' : `${rejection.kind}: `}${why}`
}

const STEPS: Readonly<Record<ImportProgress['step'], string>> = { lookups: 'lookups', reading: 'reading', delivering: 'sending' }

/** One line for each step; a step's is finished when the next begins. */
const showProgress = (): { show(progress: ImportProgress): void; finish(): void; clear(): void } => {
  let open: { readonly line: ProgressLine; readonly step: ImportProgress['step']; facts: string } | undefined
  const finish = (): void => {
    open?.line.update(1000, 1000, open.facts)
    open = undefined
  }
  return {
    show({ step, fraction, rows, events, rejected }) {
      if (open?.step !== step) {
        finish()
        open = { line: progressLine(STEPS[step].padEnd(7), () => performance.now()), step, facts: '' }
      }
      open.facts = `‰  ${thousands(rows)} rows, ${thousands(events)} events, ${thousands(rejected)} rejected`
      open.line.update(Math.min(999, Math.floor(fraction * 1000)), 1000, open.facts)
    },
    finish,
    clear: () => open?.line.clear(),
  }
}

const rejectedIn = ({ tables, refused, lookupRejects }: ImportSummary): number =>
  Object.values(tables).reduce((sum, { rejected }) => sum + rejected, refused + lookupRejects)

const report = (summary: ImportSummary, target: Target, rejects: string | null): string => {
  const lines = Object.entries(summary.tables).map(
    ([table, { rows, passedOver, rejected, events }]) =>
      `  ${table}: ${thousands(rows)} rows, ${thousands(events)} events${passedOver > 0 ? `, ${thousands(passedOver)} rows passed over` : ''}${rejected > 0 ? `, ${thousands(rejected)} rows rejected` : ''}`,
  )
  const { accepted, duplicates, refused, lookupRejects } = summary
  const went =
    target.kind === 'nowhere'
      ? 'Nothing was sent: this was a dry run.'
      : `${thousands(accepted)} events ${target.kind === 'file' ? `written to ${target.path}` : 'accepted'}${duplicates > 0 ? `, ${thousands(duplicates)} known already` : ''}${refused > 0 ? `, ${thousands(refused)} refused` : ''}.`
  const bad = rejectedIn(summary)
  const where =
    bad === 0
      ? ''
      : `\n${thousands(bad)} rejected${rejects === null ? '; --rejects FILE writes all of them' : ': each with file, line, field and reason in '}${rejects ?? ''}`
  const lookups = lookupRejects > 0 ? `\n  ${thousands(lookupRejects)} rows of lookups could not be read` : ''
  return `${lines.join('\n')}${lookups}\n${went}${where}\n`
}

export const importFiles: Command = {
  name: 'import',
  summary:
    'Maps CSV, JSON, NDJSON and Parquet files to events, checks every one as the gateway does, and sends them in order of event time.',
  positionals: '<folder or file> …',
  options: {
    mapping: { type: 'string', short: 'm', value: 'NAME|FILE', help: 'a mapping that ships, or a YAML file of your own' },
    out: { type: 'string', value: 'FILE', help: 'write the events to a file, one a line' },
    to: { type: 'string', value: 'URL|DIR', help: 'send them to an engine, or into a data directory' },
    'dry-run': { type: 'boolean', help: 'map and check everything, send nothing' },
    origin: { type: 'string', value: 'DAY', help: 'day that relative times count from (default: the mapping’s)' },
    'with-protected': {
      type: 'boolean',
      help: 'also the protected attributes (sex, age, …), for the vault alone: look whether you may hold them',
    },
    profile: { type: 'string', value: 'FILE', help: 'also a report of what the files hold (HTML, self-contained); reads them once more' },
    reference: { type: 'string', value: 'FOLDER', help: 'with --profile: files of the same mapping that drift is measured against' },
    rejects: {
      type: 'string',
      value: 'FILE',
      help: 'every rejected row with its reason, as NDJSON (default: beside --out, or import-<mapping>.rejects.ndjson)',
    },
    resume: { type: 'boolean', help: 'go on where an interrupted import of the same files stopped' },
    restart: { type: 'boolean', help: 'forget an interrupted import and begin anew' },
    work: { type: 'string', value: 'DIR', help: 'where events are sorted (default: beside --out); takes about as much disk as the events' },
    config: DATA_OPTIONS.config,
    ...JSON_OPTION,
  },
  notes: `
Mappings that ship: ${shippedMappings().join(', ')}.

  scorestream import --mapping home-credit --dry-run ~/home-credit
  scorestream import --mapping home-credit --out events.ndjson ~/home-credit
  scorestream import --mapping my-bank.yaml --to http://127.0.0.1:8080 clients.csv loans.parquet

An event's identifier is made of its row's key: importing twice has one effect. A row of which any event is refused is rejected as a whole. How to
write a mapping: docs/import.md.

Exit codes: 0 all imported, 1 some rows were rejected, 64 usage, 65 mapping or files do not fit, 66 no such file.`,
  async run(options, given) {
    const name = text(options, 'mapping')
    if (name === undefined || given.length === 0)
      throw new CommandError(
        'usage',
        `say what maps the files and where they are: scorestream import --mapping NAME <folder or file> …; mappings that ship: ${shippedMappings().join(', ')}`,
        EXIT.usage,
      )
    const target = targetOf(text(options, 'out'), text(options, 'to'), options['dry-run'] === true)
    const found = findMapping(name)
    const folder = workFolder(options, target, found, given)
    const rejects = rejectsFile(options, target, found)
    if (options['restart'] === true) rmSync(folder, { recursive: true, force: true })
    const shown: Reject[] = []
    const progress = showProgress()
    await writeProfile(options, found.mapping, given)
    const summary = await runImport({
      mapping: found.mapping,
      mappingText: found.text,
      given,
      origin: originOf(options),
      withProtected: options['with-protected'] === true,
      folder,
      resume: options['resume'] === true,
      target: openTarget(target, text(options, 'config')),
      rejectsFile: rejects,
      onReject: (reject) => {
        if (shown.length < SHOWN_MAX) shown.push(reject)
      },
      onProgress: (state) => progress.show(state),
    }).finally(() => progress.clear())
    progress.finish()
    if (options['json'] === true) process.stdout.write(`${JSON.stringify({ ...summary, rejects })}\n`)
    else process.stdout.write(`${report(summary, target, rejects)}${shown.map((one) => `${rejectLine(one)}\n`).join('')}`)
    return rejectedIn(summary) === 0 ? EXIT.ok : EXIT.findings
  },
}
