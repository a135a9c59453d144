/** What follows from a person's judgement of an open alert. State is plain data, changed in place. */
import type { Alert, AlertJudgement } from '#schemas/monitoring-events.ts'
import { forgetField, type QualityState } from '../quality/quality-monitor.ts'
import { forgetVolume, type VolumeState } from '../quality/volume-monitor.ts'
import { type AlertBook, isBlocked, keyOf, mute, settle } from './alert-book.ts'
import { type RetrainState, vouch } from './retrain-trigger.ts'

export interface Judged {
  readonly alerts: AlertBook
  readonly quality: QualityState
  readonly volume: VolumeState
  readonly retrain: RetrainState
}

/** What a producer sends from here on is meant: its past begins anew, and whatever was put down to the change ends. */
const accept = ({ alerts, quality, volume, retrain }: Judged, alert: Alert, { actor, reason }: AlertJudgement, at: number): Alert[] => {
  const { kind, producer, eventKind, field, blocksRetraining } = alert
  // Only data have a sender who can mean them; a population is answered by a successor.
  if (kind !== 'data-quality' || producer === null) return []
  if (eventKind === null || field === null) forgetVolume(volume, producer)
  else forgetField(quality, producer, eventKind, field)
  const ended = [...alerts.open]
    .filter(([, one]) => one.producer === producer && one.eventKind === eventKind && one.field === field)
    .flatMap(([key]) => settle(alerts, key, at) ?? [])
  if (blocksRetraining && !isBlocked(alerts)) vouch(retrain, at)
  return ended.map((one) => ({ ...one, detail: `${one.detail}; accepted by ${actor}: ${reason}`.slice(0, 1_024) }))
}

/** Applies it at log time `at`; returns the alerts that ended by it. One of an alert that is not open changes nothing. */
export const judgeAlert = (state: Judged, judgement: AlertJudgement, at: number): Alert[] => {
  const key = keyOf(judgement.alertId)
  const alert = state.alerts.open.get(key)
  if (alert?.alertId !== judgement.alertId) return []
  switch (judgement.verdict) {
    case 'accepted':
      return accept(state, alert, judgement, at)
    case 'muted':
      mute(state.alerts, key, judgement.mutedUntil ?? at, at)
      return []
    case 'acknowledged':
      return []
    default:
      return judgement.verdict satisfies never
  }
}
