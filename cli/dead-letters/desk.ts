/** What the four actions share: the log of dead letters, the journal in the data directory, and who is at work. */
import { mkdirSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Journal, LetterState } from '#streams/dead-letters/journal.ts'
import { mendedEvent } from '#streams/dead-letters/journal.ts'
import { findLetter, type Letter } from '#streams/dead-letters/letter.ts'
import { openJournal } from '#streams/embedded/journal-file.ts'
import type { EventLog } from '#streams/ports.ts'
import type { Config } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { openLogs } from '../read-only-log.ts'

export interface Desk {
  readonly config: Config
  readonly log: EventLog
  readonly journal: Journal
  /** User and host, for the record. */
  readonly by: string
  now(): string
}

export const openDesk = async (config: Config): Promise<Desk> => {
  const log = await openLogs(config)
  mkdirSync(config.dataDir, { recursive: true })
  return {
    config,
    log,
    journal: openJournal(join(config.dataDir, 'dead-letters-journal.ndjson')),
    by: `${userInfo().username}@${hostname()}`,
    now: () => new Date().toISOString(),
  }
}

export const letterOf = async ({ log }: Desk, id: string): Promise<Letter> => {
  const found = await findLetter(log, id)
  if (found !== undefined) return found
  throw new CommandError(
    'no-dead-letter',
    `there is no dead letter ${JSON.stringify(id)}; "scorestream dead-letters list" names them`,
    EXIT.noInput,
  )
}

/** The event as it would be sent: mended where it was, else as received; undefined where that is no JSON. */
export const eventText = (letter: Letter, state: LetterState): string | undefined => {
  const mended = mendedEvent(state)
  if (mended !== null) return mended
  return letter.event === undefined ? undefined : JSON.stringify(letter.event)
}

export const print = (text: string): void => void process.stdout.write(text)
