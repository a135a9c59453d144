/**
 * `dead-letters replay`: sends letters again and records what became of each. An event has one effect however often it is sent: should the
 * process end between sending and recording, the next replay is answered as a duplicate.
 */
import { createHash } from 'node:crypto'
import { judgeMended, mayBeKept } from '#streams/dead-letters/mend.ts'
import type { OptionValues } from '../command.ts'
import { CommandError, EXIT } from '../exit.ts'
import { type Desk, eventText, letterOf, print } from './desk.ts'
import { openSender, type Sender } from './sender.ts'

interface Ready {
  readonly id: string
  readonly eventId: string
  readonly bytes: Buffer
}

interface Outcome {
  readonly id: string
  readonly outcome: string
  readonly eventId?: string
  readonly position?: string | null
  readonly reason?: string | null
}

const FINE: ReadonlySet<string> = new Set(['accepted', 'duplicate', 'replayed before', 'would be sent'])

/** The event to send, or why this letter cannot be. */
const readyOf = async (desk: Desk, id: string): Promise<Ready | Outcome> => {
  const found = await letterOf(desk, id)
  const state = desk.journal.state(id)
  if (state.kind === 'replayed') return { id, outcome: 'replayed before', eventId: state.last.eventId }
  const event = eventText(found, state)
  if (event === undefined) return { id, outcome: 'unreadable', reason: 'the bytes are no JSON event: mend it with --file first' }
  const bytes = Buffer.from(event)
  if (!mayBeKept(bytes)) return { id, outcome: 'unreadable', reason: 'its bytes are withheld, for they may hold protected attributes' }
  const verdict = judgeMended(bytes, found.letter.code, found.event)
  if (verdict.kind === 'sound') return { id, eventId: verdict.eventId, bytes }
  return { id, outcome: 'still wrong', reason: `${verdict.detail}; mend it first` }
}

const sendOne = async (desk: Desk, sender: Sender, { id, eventId, bytes }: Ready): Promise<Outcome> => {
  const { outcome, position, reason } = await sender.send(bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  desk.journal.add({
    kind: 'replayed',
    letter: id,
    at: desk.now(),
    by: desk.by,
    via: sender.via,
    outcome,
    eventId,
    sha256,
    position,
    reason,
  })
  return { id, outcome, eventId, position: position === null ? null : `${position.partition}-${position.offset}`, reason }
}

const line = ({ id, outcome, eventId, position, reason }: Outcome): string =>
  `${id}  ${outcome}${eventId === undefined ? '' : `  ${eventId}`}${position ? `  at ${position}` : ''}${reason ? `  ${reason}` : ''}\n`

export const replayLetters = async (desk: Desk, given: readonly string[], options: OptionValues): Promise<number> => {
  const all = options['all-mended'] === true
  if (all === given.length > 0)
    throw new CommandError('usage', 'name the letters to replay, or --all-mended for every one that was mended', EXIT.usage)
  const ids = all ? desk.journal.letters().filter((id) => desk.journal.state(id).kind === 'mended') : given
  const ready: Ready[] = []
  const outcomes: Outcome[] = []
  const tell = (outcome: Outcome): void => {
    outcomes.push(outcome)
    if (options['json'] !== true) print(line(outcome))
  }
  for (const id of ids) {
    const one = await readyOf(desk, id)
    if (!('bytes' in one)) tell(one)
    else if (options['dry-run'] === true) tell({ id, outcome: 'would be sent', eventId: one.eventId })
    else ready.push(one)
  }
  if (ready.length > 0) {
    const sender = await openSender(desk.config)
    try {
      for (const one of ready) tell(await sendOne(desk, sender, one))
    } finally {
      await sender.close()
    }
  }
  if (options['json'] === true) print(`${JSON.stringify({ replayed: outcomes })}\n`)
  else if (ids.length === 0) print('nothing is mended and waits\n')
  return outcomes.every(({ outcome }) => FINE.has(outcome)) ? EXIT.ok : EXIT.findings
}
