/** One data directory belongs to one engine process at a time, and says what it is: a lock and `format.json`. */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
  existsSync,
} from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import { TerminalFailure } from '../failure.ts'

const FORMAT_MAGIC = 'scorestream-data'
const FORMAT_VERSION = 1
const LOCK_EX = 2
const LOCK_NB = 4

export interface DirectoryFormat {
  /** Partitions of the input topic; fixed for the life of the directory. */
  readonly partitions: number
}

/**
 * Takes the directory's lock. It is an `flock(2)` on a file: the kernel lets go of it with the process, however that ends, so a lock is
 * never stale. The file's content only serves the message. Returns the release.
 */
export const lockDirectory = (directory: string): (() => void) => {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'lock')
  const fd = openSync(path, 'a+')
  if (flock(fd) !== 0) {
    const owner = readFileSync(path, 'utf8').trim() || 'unknown'
    closeSync(fd)
    throw new TerminalFailure(
      'directory-locked',
      `${directory} is in use by process ${owner}: one engine per data directory. Stop that process, or set SCORESTREAM_DATA_DIR to another directory.`,
    )
  }
  ftruncateSync(fd, 0)
  writeSync(fd, `${process.pid}\n`)
  return () => closeSync(fd)
}

/** Whether some process holds the directory's lock; takes nothing. */
export const isDirectoryLocked = (directory: string): boolean => {
  const path = join(directory, 'lock')
  if (!existsSync(path)) return false
  const fd = openSync(path, 'a+')
  const held = flock(fd) !== 0
  closeSync(fd)
  return held
}

/** Reads the directory's format, writing it where the directory is new. Anything else is refused with the remedy. */
export const agreeOnFormat = (directory: string, wanted: DirectoryFormat): DirectoryFormat => {
  const path = join(directory, 'format.json')
  if (existsSync(path)) {
    const held = readFormat(directory)
    if (held.partitions !== wanted.partitions)
      throw mismatch(
        `${directory} was created with ${held.partitions} partitions, the configuration says ${wanted.partitions}. Set it back to ${held.partitions}, or use a new data directory.`,
      )
    return held
  }
  const strangers = readdirSync(directory).filter((name) => name !== 'lock' && !name.startsWith('.'))
  if (strangers.length > 0)
    throw new TerminalFailure(
      'directory-foreign',
      `${directory} has no format.json but holds ${strangers.slice(0, 3).join(', ')}: it is not a data directory of this engine. Name an empty or new directory.`,
    )
  writeFileSync(`${path}.new`, `${JSON.stringify({ magic: FORMAT_MAGIC, version: FORMAT_VERSION, ...wanted }, undefined, 2)}\n`, {
    flush: true,
  })
  renameSync(`${path}.new`, path)
  return wanted
}

/** The format of an existing directory, for readers that do not own it. */
export const readFormat = (directory: string): DirectoryFormat => {
  const path = join(directory, 'format.json')
  let held: { magic?: unknown; version?: unknown; partitions?: unknown }
  try {
    held = JSON.parse(readFileSync(path, 'utf8')) as typeof held
  } catch (cause) {
    throw new TerminalFailure(
      'directory-foreign',
      `${path} cannot be read as JSON: the directory is damaged or foreign. Restore the file, or name another data directory.`,
      cause,
    )
  }
  if (held.magic !== FORMAT_MAGIC)
    throw new TerminalFailure(
      'directory-foreign',
      `${path} is not of this engine (magic is ${JSON.stringify(held.magic)}, expected "${FORMAT_MAGIC}"). Name another data directory.`,
    )
  if (held.version !== FORMAT_VERSION)
    throw mismatch(
      `${directory} has format version ${String(held.version)}, this engine reads ${FORMAT_VERSION}. Use the engine that wrote it, or a new data directory.`,
    )
  const { partitions } = held
  if (!Number.isInteger(partitions) || (partitions as number) < 1)
    throw mismatch(`${path} names ${String(partitions)} partitions; restore the file`)
  return { partitions: partitions as number }
}

const mismatch = (message: string): TerminalFailure => new TerminalFailure('directory-mismatch', message)

let nativeFlock: ((fd: number, operation: number) => number) | undefined
const flock = (fd: number): number => {
  nativeFlock ??= koffi.load(null).func('int flock(int fd, int operation)') as (fd: number, operation: number) => number
  return nativeFlock(fd, LOCK_EX | LOCK_NB)
}
