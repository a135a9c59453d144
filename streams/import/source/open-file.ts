/** Opens a user's file as rows, by what the mapping says or its name tells. */
import { basename } from 'node:path'
import { ImportFault } from '../import-fault.ts'
import type { FormatMapping } from '../mapping/mapping-schema.ts'
import { openCsv } from './csv-reader.ts'
import { openJson } from './json-reader.ts'
import { openParquet } from './parquet-reader.ts'
import type { ReaderPosition, RowReader } from './row-reader.ts'

/** Endings that files of data have, without `.gz`. */
const KINDS: Readonly<Record<string, NonNullable<FormatMapping['kind']>>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  asc: 'csv',
  data: 'csv',
  json: 'json',
  ndjson: 'json',
  jsonl: 'json',
  parquet: 'parquet',
}

const endingOf = (path: string): string => /\.([^.]+)$/.exec(basename(path).replace(/\.gz$/i, ''))?.[1]?.toLowerCase() ?? ''

/** Whether a file's ending is one of data. */
export const isDataFile = (path: string): boolean => Object.hasOwn(KINDS, endingOf(path))

/** The file's name without its ending. */
export const stemOf = (path: string): string =>
  basename(path)
    .replace(/\.gz$/i, '')
    .replace(/\.[^.]+$/, '')

/** @throws ImportFault `file-unsuitable` */
export const openFile = (path: string, format: FormatMapping = {}, from?: ReaderPosition): Promise<RowReader> => {
  const ending = endingOf(path)
  const kind = ending === 'parquet' ? 'parquet' : KINDS[ending] === 'json' ? 'json' : (format.kind ?? KINDS[ending])
  switch (kind) {
    case 'csv':
      return openCsv(path, ending === 'tsv' && format.delimiter === undefined ? { ...format, delimiter: '\t' } : format, from)
    case 'json':
      return openJson(path, from)
    case 'parquet':
      return openParquet(path, from)
    case undefined:
      throw new ImportFault(
        'file-unsuitable',
        `${path}: the ending ${JSON.stringify(ending)} tells no format; name it .csv, .json, .ndjson or .parquet, or say format.kind in the mapping`,
      )
    default:
      return kind satisfies never
  }
}
