/** The dead letters' journal as a file of JSON lines, readable by its owner alone: it holds events. Appended and flushed, never rewritten. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { afterEntry, OPEN, type Journal, type JournalEntry, type LetterState } from '../dead-letters/journal.ts'
import { TerminalFailure } from '../failure.ts'

const read = (path: string): JournalEntry[] => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines = text.split('\n')
  return lines.slice(0, -1).flatMap((line, index) => {
    if (line === '') return []
    try {
      return [JSON.parse(line) as JournalEntry]
    } catch (cause) {
      // Each entry is written with an empty line before it: one that another follows at once was cut short by a crash, unacknowledged.
      if (lines[index + 1] !== '') return []
      throw new TerminalFailure('log-corrupt', `${path}, line ${index + 1}: no JSON. Restore the file from a copy, or move it away.`, cause)
    }
  })
}

export const openJournal = (path: string): Journal => {
  const entries = read(path)
  const states = new Map<string, LetterState>()
  const note = (entry: JournalEntry): void => void states.set(entry.letter, afterEntry(states.get(entry.letter) ?? OPEN, entry))
  for (const entry of entries) note(entry)
  return {
    state: (letter) => states.get(letter) ?? OPEN,
    history: (letter) => entries.filter((entry) => entry.letter === letter),
    letters: () => [...states.keys()],
    add(entry) {
      const file = openSync(path, 'a', 0o600)
      try {
        writeSync(file, `\n${JSON.stringify(entry)}\n`)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      entries.push(entry)
      note(entry)
    },
  }
}
