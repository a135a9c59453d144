/** `dead-letters mend <id>`: a corrected form of the event, kept beside the original, and what is still wrong with it. */
import { readFileSync } from 'node:fs'
import { maskEvent } from '#schemas/privacy.ts'
import type { Letter } from '#streams/dead-letters/letter.ts'
import { applyChanges, type Change, ChangeRefused, judgeMended, mayBeKept } from '#streams/dead-letters/mend.ts'
import { list, type OptionValues, text } from '../command.ts'
import { CommandError, EXIT } from '../exit.ts'
import { type Desk, eventText, letterOf, print } from './desk.ts'
import { faultLine } from './show.ts'

const changesOf = (options: OptionValues): Change[] => [
  ...list(options, 'unset').map((pointer): Change => ({ kind: 'unset', pointer })),
  ...list(options, 'set').map((given): Change => {
    const cut = given.indexOf('=')
    if (cut <= 0) throw new CommandError('usage', `--set takes POINTER=VALUE, as in /amount=500000, got "${given}"`, EXIT.usage)
    return { kind: 'set', pointer: given.slice(0, cut), text: given.slice(cut + 1) }
  }),
]

const fromFile = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new CommandError('no-file', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, EXIT.noInput, {
      cause,
    })
  }
}

/** The event to begin with: the file's, else the newest mended form, else the original. */
const baseOf = (desk: Desk, letter: Letter, file: string | undefined): unknown => {
  const base = file === undefined ? eventText(letter, desk.journal.state(letter.id)) : fromFile(file)
  if (base === undefined) return undefined
  try {
    return JSON.parse(base) as unknown
  } catch (cause) {
    throw new CommandError('bad-json', `${file} holds no JSON document: ${cause instanceof Error ? cause.message : ''}`, EXIT.badData, {
      cause,
    })
  }
}

const mendedText = (desk: Desk, letter: Letter, options: OptionValues): string => {
  const file = text(options, 'file')
  const changes = changesOf(options)
  if (file === undefined && changes.length === 0)
    throw new CommandError('usage', 'say what to change: --set POINTER=VALUE, --unset POINTER, or --file FILE', EXIT.usage)
  try {
    return JSON.stringify(applyChanges(baseOf(desk, letter, file), changes))
  } catch (error) {
    if (error instanceof ChangeRefused) throw new CommandError(error.code, error.message, EXIT.badData, { cause: error })
    throw error
  }
}

export const mendLetter = async (desk: Desk, id: string, options: OptionValues): Promise<number> => {
  const letter = await letterOf(desk, id)
  if (desk.journal.state(id).kind === 'replayed')
    throw new CommandError(
      'already-replayed',
      `${id} was replayed and taken; what it became can only be corrected by a new event`,
      EXIT.badData,
    )
  const event = mendedText(desk, letter, options)
  const bytes = Buffer.from(event)
  if (!mayBeKept(bytes))
    throw new CommandError(
      'protected-attributes',
      'the event may hold protected attributes, which lie nowhere but in the vault: it is not kept. Send it to POST /v1/events instead',
      EXIT.badData,
    )
  const verdict = judgeMended(bytes, letter.letter.code, letter.event)
  const sound = verdict.kind === 'sound'
  const dryRun = options['dry-run'] === true
  if (!dryRun) desk.journal.add({ kind: 'mended', letter: id, at: desk.now(), by: desk.by, event, sound })
  if (options['json'] === true) {
    const wrong = verdict.kind === 'wrong' ? { detail: verdict.detail, errors: verdict.errors } : {}
    print(`${JSON.stringify({ id, sound, kept: !dryRun, event: maskEvent(JSON.parse(event)), ...wrong })}\n`)
  } else if (verdict.kind === 'sound')
    print(
      `${id} is sound now, as event ${verdict.eventId}${dryRun ? '; nothing was kept (dry run)' : `: scorestream dead-letters replay ${id}`}\n`,
    )
  else print(`${id} is still wrong${dryRun ? '' : '; kept as a draft'}: ${verdict.detail}\n${verdict.errors.map(faultLine).join('')}`)
  return sound ? EXIT.ok : EXIT.findings
}
