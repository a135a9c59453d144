/** The demo's findings and figures in words. */
import type { Alert, ModelEvent } from '#schemas/monitoring-events.ts'
import { thousands } from '../progress.ts'
import { describeGate } from '../retrain/describe-gate.ts'
import type { Finding } from './findings.ts'
import type { Chapter } from './ledger.ts'

const alertLine = ({ state, kind, cause, subject, detail, features, segment, blocksRetraining }: Alert): string => {
  if (state === 'resolved') return `over: ${kind}, ${subject}`
  const where = segment === null ? '' : `\n    segment   ${segment}`
  const what = features.length === 0 ? '' : `\n    features  ${features.slice(0, 5).join(', ')}`
  return `ALERT ${kind} (${cause}): ${subject}\n    ${detail}${what}${where}${blocksRetraining ? '\n    nothing is trained on data of this time' : ''}`
}

const modelLine = (event: ModelEvent): string => {
  switch (event.kind) {
    case 'retrain-requested':
      return `RETRAIN requested: ${event.detail}`
    case 'model-trained':
      return `trained ${event.modelVersion}; gates:\n${event.gates.map((gate) => `    ${describeGate(gate)}`).join('\n')}`
    case 'model-promoted':
      return `PROMOTED ${event.modelVersion} to ${event.alias}, by ${event.actor}`
    case 'model-refused':
      return `REFUSED ${event.modelVersion}: ${event.detail}`
    case 'training-failed':
      return `training failed (${event.code}): ${event.detail}`
    case 'model-activated':
      return `${event.modelVersion} decides from offsets ${event.inputOffsets.join(', ')} on`
    default:
      return event satisfies never
  }
}

export const findingText = (finding: Finding): string => (finding.kind === 'alert' ? alertLine(finding.alert) : modelLine(finding.event))

const PHASE_TEXT: Readonly<Record<Chapter['phase'], string>> = {
  usual: 'as usual',
  'unit-error': 'unit error',
  mended: 'mended',
  'new-population': 'new population',
}

/** One row a phase and model. */
export const chapterTable = (chapters: readonly Chapter[]): string => {
  const head = `${'phase'.padEnd(16)}${'model'.padEnd(22)}${'decisions'.padStart(10)}${'approved'.padStart(10)}${'predicted'.padStart(11)}${'came bad'.padStart(10)}  AUC on applicants never trained on`
  const rows = chapters.map(({ phase, modelVersion, decisions, approved, probabilityMean, badRate, auc }) => {
    const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
    const area = auc === null ? '–' : `${auc.value.toFixed(3)} [${auc.low.toFixed(3)}, ${auc.high.toFixed(3)}]`
    return `${PHASE_TEXT[phase].padEnd(16)}${modelVersion.padEnd(22)}${thousands(decisions).padStart(10)}${percent(approved / decisions).padStart(10)}${percent(probabilityMean).padStart(11)}${percent(badRate).padStart(10)}  ${area}`
  })
  return [head, ...rows].join('\n')
}
