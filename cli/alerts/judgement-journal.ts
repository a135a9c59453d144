/** Judgements as the command writes them: JSON lines in `alert-judgements.ndjson` of the data directory, appended and flushed, never rewritten. */
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { AlertJudgement } from '#schemas/monitoring-events.ts'
import { CommandError, EXIT } from '../exit.ts'

const fileIn = (dataDir: string): string => join(dataDir, 'alert-judgements.ndjson')

/** In a single write, so that lines of two commands never mix. */
export const recordJudgement = (dataDir: string, judgement: AlertJudgement): void =>
  appendFileSync(fileIn(dataDir), `${JSON.stringify(judgement)}\n`, { flush: true, mode: 0o600 })

const parsed = (line: string, path: string, number: number): AlertJudgement => {
  try {
    return JSON.parse(line) as AlertJudgement
  } catch (cause) {
    throw new CommandError(
      'malformed-journal',
      `${path}, line ${number}: not JSON; restore the line from a copy, or remove it`,
      EXIT.badData,
      { cause },
    )
  }
}

/** Oldest first. A last line that a crash cut short was never acknowledged and is left out. */
export const readJudgements = (dataDir: string): readonly AlertJudgement[] => {
  const path = fileIn(dataDir)
  if (journalBytes(dataDir) === 0) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line, index) => parsed(line, path, index + 1))
}

/** Size of the file, by which it is seen whether something was added; 0 where there is none. */
export const journalBytes = (dataDir: string): number => statSync(fileIn(dataDir), { throwIfNoEntry: false })?.size ?? 0
