/** An import in a folder of its own, as the command runs it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readMapping } from '#streams/import/mapping/read-mapping.ts'
import type { Reject } from '#streams/import/reject-log.ts'
import { type ImportOptions, type ImportSummary, runImport } from '#streams/import/run-import.ts'
import { ndjsonTarget } from '#streams/import/target/ndjson-target.ts'

export const FIXTURES = join(import.meta.dirname, 'fixtures')
const MAPPINGS = join(import.meta.dirname, '../../data/mappings')

const mappingText = (name: string): string => readFileSync(join(MAPPINGS, `${name}.yaml`), 'utf8')

interface Imported {
  readonly summary: ImportSummary
  readonly events: readonly Record<string, unknown>[]
  readonly rejects: readonly Reject[]
  /** Lines of the reject file. */
  readonly rejectLines: readonly Record<string, unknown>[]
}

export const withFolder = async <Result>(work: (folder: string) => Promise<Result>): Promise<Result> => {
  const folder = mkdtempSync(join(tmpdir(), 'scorestream-import-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

type Changed = Partial<Omit<ImportOptions, 'mapping' | 'mappingText' | 'given'>>

/** Runs a mapping, given as YAML text, over files. */
export const importText = (yaml: string, given: readonly string[], changed: Changed = {}): Promise<Imported> =>
  withFolder(async (folder) => {
    const out = join(folder, 'events.ndjson')
    const rejectsFile = join(folder, 'rejects.ndjson')
    const rejects: Reject[] = []
    const summary = await runImport({
      mapping: readMapping(yaml, 'test'),
      mappingText: yaml,
      given,
      withProtected: true,
      folder: join(folder, 'work'),
      resume: false,
      target: async (position) => ndjsonTarget(out, position),
      rejectsFile,
      onReject: (reject) => rejects.push(reject),
      ...changed,
    })
    return { summary, events: linesOf(out), rejects, rejectLines: linesOf(rejectsFile) }
  })

/** Runs a mapping that ships over files. */
export const importShipped = (name: string, given: readonly string[], changed?: Changed): Promise<Imported> =>
  importText(mappingText(name), given, changed)
