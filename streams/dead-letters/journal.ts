/**
 * What became of dead letters: a journal of mends and replays beside the log. The letters themselves are never changed; each entry is
 * added, none is taken away.
 */
import type { IngestResult, Position } from '../ports.ts'

interface Entry {
  /** Id of the letter. */
  readonly letter: string
  /** RFC 3339, wall clock. */
  readonly at: string
  /** User and host. */
  readonly by: string
}

export interface MendEntry extends Entry {
  readonly kind: 'mended'
  /** The whole event as JSON text. */
  readonly event: string
  /** Whether it was sound: what is not is kept as a draft and cannot be replayed. */
  readonly sound: boolean
}

export interface ReplayEntry extends Entry {
  readonly kind: 'replayed'
  readonly via: 'http' | 'directory' | 'topic'
  readonly outcome: IngestResult['status']
  readonly eventId: string
  /** SHA-256 of the bytes sent. */
  readonly sha256: string
  readonly position: Position | null
  /** Why it was refused, where it was. */
  readonly reason: string | null
}

export type JournalEntry = MendEntry | ReplayEntry

/** Where a letter stands. `refused`: a replay was turned down; it can be mended again. */
export type LetterState =
  | { readonly kind: 'open' }
  | { readonly kind: 'draft'; readonly event: string }
  | { readonly kind: 'mended'; readonly event: string }
  | { readonly kind: 'replayed'; readonly event: string | null; readonly last: ReplayEntry }
  | { readonly kind: 'refused'; readonly event: string | null; readonly last: ReplayEntry }

export const OPEN: LetterState = { kind: 'open' }

const eventOf = (state: LetterState): string | null => (state.kind === 'open' ? null : state.event)

/** Pure: the next state. */
export const afterEntry = (state: LetterState, entry: JournalEntry): LetterState => {
  if (entry.kind === 'mended') return { kind: entry.sound ? 'mended' : 'draft', event: entry.event }
  const taken = entry.outcome === 'accepted' || entry.outcome === 'duplicate'
  return { kind: taken ? 'replayed' : 'refused', event: eventOf(state), last: entry }
}

/** The newest mended form, or null where the original stands. */
export const mendedEvent = eventOf

export interface Journal {
  state(letter: string): LetterState
  history(letter: string): readonly JournalEntry[]
  /** Letters with an entry, in order of their first. */
  letters(): readonly string[]
  /** Durable before it returns. */
  add(entry: JournalEntry): void
}
