/** `scorestream alerts`: what monitoring has found, and what people make of it: accept, mute, acknowledge, with who and why. */
import { createHash } from 'node:crypto'
import { nearest } from '#schemas/nearest.ts'
import type { AlertJudgement, AlertVerdict } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import { type AlertLine, alertLines, listAlerts } from '../alerts/list.ts'
import { recordJudgement } from '../alerts/judgement-journal.ts'
import { askWarehouse } from '../ask-warehouse.ts'
import { personally } from '../attribution.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, numeric, type OptionValues, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'

const VERDICT_OF = { accept: 'accepted', mute: 'muted', acknowledge: 'acknowledged' } as const satisfies Record<string, AlertVerdict>
type Action = 'list' | keyof typeof VERDICT_OF
const ACTIONS: readonly Action[] = ['list', 'accept', 'mute', 'acknowledge']
const HOURS_DEFAULT = 24
const HOUR_MS = 3_600_000

const usage = (message: string): never => {
  throw new CommandError('usage', `${message}\nTry: scorestream alerts --help`, EXIT.usage)
}

const actionOf = (given: string | undefined): Action => {
  const action = ACTIONS.find((known) => known === given)
  if (action !== undefined) return action
  const hint = given === undefined ? undefined : nearest(given, ACTIONS)
  return usage(
    given === undefined ? `say what to do: ${ACTIONS.join(', ')}` : `alerts cannot "${given}"${hint ? `; did you mean "${hint}"?` : ''}`,
  )
}

/** The alert with this identifier, or the only open one whose identifier begins with it. */
const alertOf = (alerts: readonly AlertLine[], given: string): AlertLine => {
  const open = alerts.filter(({ state }) => state === 'open')
  const found = open.filter(({ alert_id }) => alert_id === given || alert_id.startsWith(given))
  const [first] = found
  const exact = found.find(({ alert_id }) => alert_id === given)
  if (exact !== undefined) return exact
  if (first !== undefined && found.length === 1) return first
  const names = (found.length > 0 ? found : open).map(({ alert_id }) => `  ${alert_id}`).join('\n')
  throw new CommandError(
    'no-such-alert',
    `${found.length > 1 ? `${found.length} open alerts begin` : 'no open alert begins'} with ${JSON.stringify(given)}${names === '' ? '' : `; open are\n${names}`}`,
    EXIT.noInput,
  )
}

/** Stable: the same judgement, carried twice, has one effect. */
const judgementOf = (alert: AlertLine, action: keyof typeof VERDICT_OF, options: OptionValues, at: number): AlertJudgement => {
  const reason = text(options, 'why')?.trim() ?? ''
  if (reason === '') usage(`say why: scorestream alerts ${action} ${alert.alert_id} --why "…"; it is recorded with your name`)
  if (action === 'accept' && alert.kind !== 'data-quality')
    usage(
      `only data can be accepted, this is ${alert.kind}: a population that moved is answered by a successor (scorestream models); mute it meanwhile`,
    )
  const hours = numeric(options, 'hours', { minimum: 0.1, maximum: 8_760 })
  if (hours !== undefined && action !== 'mute') usage(`--hours goes with mute, not with ${action}`)
  const verdict = VERDICT_OF[action]
  const { actor } = personally(reason, at)
  const mutedUntil = verdict === 'muted' ? epochMs(Math.round(at + (hours ?? HOURS_DEFAULT) * HOUR_MS)) : null
  const judgementId = createHash('sha256').update(`${alert.alert_id}\n${verdict}\n${at}\n${actor}`).digest('hex').slice(0, 16)
  const [by, why] = [actor.slice(0, 128), reason.slice(0, 1_024)]
  return { judgementId, alertId: alert.alert_id, verdict, judgedAt: epochMs(at), mutedUntil, actor: by, reason: why }
}

const CONSEQUENCES: Readonly<Record<AlertVerdict, string>> = {
  accepted: 'it ends, what this producer sends from here on becomes its new past, and its data may be learned from again',
  muted: 'it stays open, calls nobody, and goes on blocking what it blocks',
  acknowledged: 'it stays open, with your name beside it',
}

export const alerts: Command = {
  name: 'alerts',
  summary: 'Lists what monitoring has found, and records what people make of it.',
  positionals: '<list | accept ID | mute ID | acknowledge ID>',
  options: {
    ...DATA_OPTIONS,
    all: { type: 'boolean', help: 'list: also those that have ended' },
    why: { type: 'string', value: 'TEXT', help: 'reason, recorded with your name' },
    hours: { type: 'string', value: 'N', help: `mute: for so long (default ${HOURS_DEFAULT})` },
    ...JSON_OPTION,
  },
  notes: `
ID is an alert's identifier, or as much of its beginning as names one open alert. A change of unit that is meant to stay is accepted: the alert ends,
the producer's past is gathered anew, and training no longer leaves its later events out; those before stay out. A muted alert calls nobody and still
blocks retraining. Judgements are kept in alert-judgements.ndjson of the data directory, in the topic alerts and in the table alert_judgements; a running
engine takes them up within a second, another at its next start.

  scorestream alerts accept data-quality:bank-a:payment:amount --why "cents since May, agreed with bank-a"
  scorestream alerts mute drift:credit@ --hours 72 --why "campaign until Friday"

Exit codes: 0 done, 64 usage, 66 no such open alert, or no warehouse there.`,
  async run(options, [given, id, ...rest]) {
    const action = actionOf(given)
    if (rest.length > 0 || (action === 'list' && id !== undefined)) usage(`${action} got also "${rest[0] ?? id ?? ''}"`)
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const known = await askWarehouse(config.dataDir, listAlerts)
    const json = options['json'] === true
    if (action === 'list') {
      const shown = options['all'] === true ? known : known.filter(({ state }) => state === 'open')
      process.stdout.write(json ? `${JSON.stringify(shown)}\n` : alertLines(shown))
      return EXIT.ok
    }
    const judgement = judgementOf(
      alertOf(known, id ?? usage(`name the alert to ${action}; scorestream alerts list shows them`)),
      action,
      options,
      Date.now(),
    )
    recordJudgement(config.dataDir, judgement)
    process.stdout.write(
      json ? `${JSON.stringify(judgement)}\n` : `${judgement.verdict}: ${judgement.alertId}\n${CONSEQUENCES[judgement.verdict]}\n`,
    )
    return EXIT.ok
  },
}
