/**
 * Runs an import: lookups, then every row of every file to events, then the events to their target in order of event time. Memory does not grow
 * with the files: rows stream, events wait in an arena and then in sorted runs on disk. Everything up to the last written state is final, so an
 * import that is killed at any instant goes on and gives the same events.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { originOf } from './bind-table.ts'
import { deliverEvents } from './deliver-events.ts'
import { ImportFault } from './import-fault.ts'
import { fingerprintOf, type ImportState, newState, readState, type TableCounts, writeState } from './import-state.ts'
import { buildLookups, type Lookup } from './lookup/build-lookups.ts'
import { Literals } from './mapping/literals.ts'
import type { Mapping } from './mapping/mapping-schema.ts'
import { EventArena } from './order/event-arena.ts'
import { fewerRuns } from './order/merge-runs.ts'
import { RunWriter } from './order/run-file.ts'
import { type PlannedFile, planFiles } from './plan-files.ts'
import { readRows } from './read-rows.ts'
import { type Reject, RejectLog } from './reject-log.ts'
import type { EventTarget } from './target/event-target.ts'

/** A run on disk: large enough that a hundred runs hold gigabytes, small enough for any machine. */
const ARENA_BYTES = 33_554_432

export interface ImportProgress {
  readonly step: 'lookups' | 'reading' | 'delivering'
  /** Of the step, in [0, 1]. */
  readonly fraction: number
  readonly rows: number
  readonly events: number
  readonly rejected: number
}

export interface ImportOptions {
  readonly mapping: Mapping
  /** As it was read: an interrupted import goes on only with the same. */
  readonly mappingText: string
  /** Files and folders. */
  readonly given: readonly string[]
  /** `YYYY-MM-DD`; the mapping's own where absent. */
  readonly origin?: string | undefined
  readonly withProtected: boolean
  /** Sorted runs, lookups and the state; made, and removed once the import is complete. */
  readonly folder: string
  /** Goes on where an interrupted import stopped, if there is one. */
  readonly resume: boolean
  /** Null maps and checks and delivers nothing. `position`: what the target said when the state was written. */
  readonly target: ((position: number) => Promise<EventTarget>) | null
  readonly rejectsFile: string | null
  readonly onReject?: (reject: Reject) => void
  readonly onProgress?: (progress: ImportProgress) => void
  /** Bytes of memory that events wait in. */
  readonly arenaBytes?: number
}

export interface ImportSummary {
  readonly files: readonly PlannedFile[]
  readonly tables: Readonly<Record<string, TableCounts>>
  readonly delivered: number
  readonly accepted: number
  readonly duplicates: number
  readonly refused: number
  readonly lookupRejects: number
}

class ImportRun {
  readonly #options: ImportOptions
  readonly #files: readonly PlannedFile[]
  readonly #sizes: readonly number[]
  readonly #state: ImportState
  readonly #arena: EventArena
  readonly #literals: Literals
  readonly #rejects: RejectLog
  readonly #origin: number

  constructor(options: ImportOptions, files: readonly PlannedFile[], state: ImportState) {
    this.#options = options
    this.#files = files
    this.#sizes = files.map(({ path }) => statSync(path).size)
    this.#state = state
    this.#literals = new Literals(state.literals)
    this.#arena = new EventArena(options.arenaBytes ?? ARENA_BYTES)
    this.#rejects = new RejectLog(options.rejectsFile, state.rejectsPosition, options.onReject)
    this.#origin = originOf(options.mapping, options.origin)
  }

  async run(): Promise<ImportSummary> {
    try {
      if (this.#state.file < this.#files.length) await this.#read()
      if (this.#options.target !== null) await this.#deliver(this.#options.target)
    } finally {
      this.#rejects.close()
    }
    rmSync(this.#options.folder, { recursive: true, force: true })
    const { tables, delivered, accepted, duplicates, refused, lookupRejects } = this.#state
    return { files: this.#files, tables, delivered, accepted, duplicates, refused, lookupRejects }
  }

  async #read(): Promise<void> {
    const lookups = await this.#lookups()
    try {
      for (let file = this.#state.file; file < this.#files.length; file++) {
        await this.#readFile(this.#files[file]!, lookups)
        this.#state.file = file + 1
        this.#state.position = { offset: 0, line: 1, rows: 0 }
      }
      this.#keep()
    } finally {
      for (const { table } of lookups.values()) await table.close()
    }
  }

  #lookups(): Promise<ReadonlyMap<string, Lookup>> {
    const { mapping, folder } = this.#options
    const state = this.#state
    // An import that goes on reads them again; what could not be read was told the first time.
    const told = state.rejectsPosition > 0 || state.runs.length > 0
    return buildLookups({
      mapping,
      files: this.#files,
      folder,
      origin: this.#origin,
      onReject: (reject) => {
        if (told) return
        state.lookupRejects++
        this.#rejects.add(reject)
      },
      onProgress: (fraction) => this.#tell('lookups', fraction),
    })
  }

  async #readFile(file: PlannedFile, lookups: ReadonlyMap<string, Lookup>): Promise<void> {
    const { mapping, withProtected, target } = this.#options
    if ((mapping.tables[file.table]?.events ?? []).length === 0) return
    const before = this.#sizes.slice(0, this.#state.file).reduce((sum, size) => sum + size, 0)
    const all = this.#sizes.reduce((sum, size) => sum + size, 0)
    await readRows({
      mapping,
      file,
      from: this.#state.position,
      origin: this.#origin,
      withProtected,
      lookups,
      counts: (this.#state.tables[file.table] ??= { rows: 0, passedOver: 0, rejected: 0, events: 0 }),
      literals: this.#literals,
      onEvents: target === null ? () => {} : (lines) => this.#arena.add(lines),
      onReject: (reject) => this.#rejects.add(reject),
      afterRow: (position) => {
        if (!this.#arena.full) return
        this.#state.position = position()
        this.#keep()
      },
      onProgress: (fraction) => this.#tell('reading', (before + fraction * this.#sizes[this.#state.file]!) / Math.max(1, all)),
    })
  }

  /** Events at hand become a run, and with the state all up to here is final. */
  #keep(): void {
    const { folder, target } = this.#options
    if (target === null) return
    const state = this.#state
    if (this.#arena.count > 0) {
      const name = this.#newRun()
      const run = new RunWriter(join(folder, name))
      this.#arena.writeTo(run)
      run.close()
      this.#arena.clear()
      state.runs = [...state.runs, name]
    }
    this.#write()
  }

  #write(): void {
    this.#rejects.flush()
    this.#state.rejectsPosition = this.#rejects.position
    this.#state.literals = this.#literals.texts
    writeState(this.#options.folder, this.#state)
  }

  #newRun(): string {
    return `run-${this.#state.runsMade++}`
  }

  async #deliver(open: NonNullable<ImportOptions['target']>): Promise<void> {
    const { folder } = this.#options
    const state = this.#state
    state.runs = fewerRuns(
      folder,
      state.runs,
      () => this.#newRun(),
      (runs) => {
        state.runs = runs
        this.#write()
      },
    )
    const target = await open(state.targetPosition)
    try {
      const total = Object.values(state.tables).reduce((sum, { events }) => sum + events, 0)
      await deliverEvents({
        target,
        runs: state.runs.map((name) => join(folder, name)),
        literals: this.#literals,
        state,
        onReject: (reject) => this.#rejects.add(reject),
        keep: () => this.#write(),
        onProgress: () => this.#tell('delivering', total === 0 ? 1 : state.delivered / total),
      })
    } finally {
      await target.close()
    }
  }

  #tell(step: ImportProgress['step'], fraction: number): void {
    const counts = Object.values(this.#state.tables)
    this.#options.onProgress?.({
      step,
      fraction,
      rows: counts.reduce((sum, { rows }) => sum + rows, 0),
      events: step === 'delivering' ? this.#state.delivered : counts.reduce((sum, { events }) => sum + events, 0),
      rejected: counts.reduce((sum, { rejected }) => sum + rejected, 0),
    })
  }
}

/** @throws ImportFault where mapping, files or an interrupted import do not fit */
export const runImport = async (options: ImportOptions): Promise<ImportSummary> => {
  const { mapping, mappingText, given, origin, withProtected, folder, resume, target } = options
  const files = planFiles(mapping, given)
  const paths = files.map(({ path }) => path)
  const fingerprint = fingerprintOf({ mapping: mappingText, options: JSON.stringify({ origin, withProtected }), files: paths })
  if (target === null) return new ImportRun(options, files, newState(fingerprint)).run()
  const interrupted = readState(folder, fingerprint, resume)
  if (interrupted !== undefined && !resume)
    throw new ImportFault(
      'import-interrupted',
      `an import of these files was interrupted (${folder}): --resume goes on where it stopped, --restart begins anew`,
    )
  mkdirSync(folder, { recursive: true })
  return new ImportRun(options, files, interrupted ?? newState(fingerprint)).run()
}
