/** `scorestream dead-letters`: refused events, from the reason to the second chance. The original is never changed. */
import { type Command, DATA_OPTIONS, JSON_OPTION, type OptionValues, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { type Desk, openDesk } from '../dead-letters/desk.ts'
import { listLetters } from '../dead-letters/list.ts'
import { mendLetter } from '../dead-letters/mend.ts'
import { replayLetters } from '../dead-letters/replay.ts'
import { showLetter } from '../dead-letters/show.ts'
import { CommandError, EXIT } from '../exit.ts'

type Action = (desk: Desk, ids: readonly string[], options: OptionValues) => Promise<number>

const oneId = (ids: readonly string[], action: string): string => {
  const [id] = ids
  if (id === undefined || ids.length > 1)
    throw new CommandError('usage', `${action} takes one id, e.g. 0-17\nTry: scorestream dead-letters --help`, EXIT.usage)
  return id
}

const none = (ids: readonly string[]): void => {
  if (ids.length > 0) throw new CommandError('usage', `list takes no ids, got "${ids.join(' ')}"; show <id> shows one`, EXIT.usage)
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: (desk, ids, options) => {
    none(ids)
    return listLetters(desk, options)
  },
  show: (desk, ids, options) => showLetter(desk, oneId(ids, 'show'), options),
  mend: (desk, ids, options) => mendLetter(desk, oneId(ids, 'mend'), options),
  replay: replayLetters,
}

export const deadLetters: Command = {
  name: 'dead-letters',
  summary: 'Lists refused events, shows why, mends them and sends them again. The originals stay as they are.',
  positionals: 'list | show <id> | mend <id> | replay [<id> …]',
  options: {
    ...DATA_OPTIONS,
    code: { type: 'string', value: 'CODE', help: 'list: only this reason, e.g. schema-violation' },
    producer: { type: 'string', value: 'NAME', help: 'list: only events of this producer' },
    since: { type: 'string', value: 'WHEN', help: 'list: received since, an age (24h, 7d) or an RFC 3339 instant' },
    state: { type: 'string', value: 'STATE', help: 'list: open, draft, mended, replayed or refused' },
    limit: { type: 'string', value: 'N', help: 'list: at most so many, the newest (default: 50)' },
    raw: { type: 'boolean', help: 'show: the bytes as received, personal values included' },
    set: { type: 'string', value: 'POINTER=VALUE', multiple: true, help: 'mend: set a field, e.g. /amount=500000; may be repeated' },
    unset: { type: 'string', value: 'POINTER', multiple: true, help: 'mend: remove a field; may be repeated' },
    file: { type: 'string', value: 'FILE', help: 'mend: begin with the event in this file' },
    'all-mended': { type: 'boolean', help: 'replay: everything that is mended and waits' },
    'dry-run': { type: 'boolean', help: 'mend, replay: say what would be done and change nothing' },
    ...JSON_OPTION,
  },
  notes: `
  scorestream dead-letters list --code schema-violation --since 24h
  scorestream dead-letters show 0-17
  scorestream dead-letters mend 0-17 --set /amount=500000 --unset /amout
  scorestream dead-letters replay --all-mended

A mended event is checked against its schema; what is still wrong is said and kept as a draft. Replaying goes through the engine that runs on the
directory; where none runs it opens the directory, or with log.kind = kafka appends to the topic. Who replayed what when, and what became of it,
stands in dead-letters-journal.ndjson in the data directory. An event sent twice has one effect. show hides personal values by their privacy class.

Exit codes: 0 done, 1 still wrong or refused again, 64 usage, 65 bad change, 66 no such letter or directory, 69 the engine does not take it.`,
  async run(options, [name, ...ids]) {
    const action = name === undefined || !Object.hasOwn(ACTIONS, name) ? undefined : ACTIONS[name]
    if (action === undefined)
      throw new CommandError(
        'usage',
        `say what to do: ${Object.keys(ACTIONS).join(', ')}\nTry: scorestream dead-letters --help`,
        EXIT.usage,
      )
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const desk = await openDesk(config)
    try {
      return await action(desk, ids, options)
    } finally {
      await desk.log.close()
    }
  },
}
