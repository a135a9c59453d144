/** What a month's decisions say of groups: rows, and alerts where a gap is wider than allowed and than chance explains. */
import { epochMs } from '#schemas/units.ts'
import type { FairnessRow } from '../rows.ts'
import type { MonitoringSettings } from '../settings.ts'
import { type FairnessFinding, groupFairness, type GroupCounts } from '../statistics/group-fairness.ts'
import type { NewAlert } from '../triggers/alert-book.ts'

/** Groups of an attribute that are told apart; the smallest beyond them are one group "other". */
const GROUPS_MAX = 12

export interface GroupWindow {
  readonly from: number
  /** Exclusive. */
  readonly to: number
  readonly modelVersion: string
  readonly attribute: string
  readonly groups: readonly GroupCounts[]
}

export interface FairnessVerdict {
  readonly rows: readonly FairnessRow[]
  readonly alerts: readonly { readonly key: string; readonly alert: NewAlert | undefined }[]
  /** Smallest ratio of approval rates for which there is evidence. */
  readonly ratioMin: number | undefined
}

const size = ({ approved, referred, declined }: GroupCounts): number => approved + referred + declined

const merged = (groups: readonly GroupCounts[]): GroupCounts => ({
  group: 'other',
  approved: groups.reduce((sum, one) => sum + one.approved, 0),
  referred: groups.reduce((sum, one) => sum + one.referred, 0),
  declined: groups.reduce((sum, one) => sum + one.declined, 0),
  goods: groups.reduce((sum, one) => sum + one.goods, 0),
  goodsApproved: groups.reduce((sum, one) => sum + one.goodsApproved, 0),
  bads: groups.reduce((sum, one) => sum + one.bads, 0),
  badsApproved: groups.reduce((sum, one) => sum + one.badsApproved, 0),
})

const bounded = (groups: readonly GroupCounts[]): readonly GroupCounts[] => {
  if (groups.length <= GROUPS_MAX) return groups
  const sorted = groups.toSorted((a, b) => size(b) - size(a))
  return [...sorted.slice(0, GROUPS_MAX - 1), merged(sorted.slice(GROUPS_MAX - 1))]
}

const alertOf = (
  window: GroupWindow,
  finding: FairnessFinding,
  at: number,
  settings: MonitoringSettings['fairness'],
): NewAlert | undefined => {
  if (finding.state !== 'violation' || finding.estimate === null) return undefined
  const ratio = finding.metric === 'adverse-impact-ratio'
  const { value, low, high } = finding.estimate
  return {
    kind: 'fairness',
    cause: ratio ? 'four-fifths' : 'equal-opportunity',
    severity: 'ticket',
    raisedAt: epochMs(at),
    windowStart: epochMs(window.from),
    windowEnd: epochMs(window.to),
    subject: `${window.attribute}=${finding.group}`,
    producer: null,
    eventKind: null,
    field: null,
    modelVersion: window.modelVersion,
    segment: null,
    features: [],
    metric: finding.metric,
    value,
    threshold: ratio ? settings.ratioMin : -settings.opportunityGap,
    pValue: null,
    n: finding.n,
    blocksRetraining: false,
    detail: ratio
      ? `approved at ${(100 * value).toFixed(0)} % of the rate of ${finding.reference} (95 %: ${(100 * low).toFixed(0)} to ${(100 * Math.min(high, 99)).toFixed(0)} %)`
      : `good borrowers approved ${(-100 * value).toFixed(1)} points less often than those of ${finding.reference}`,
  }
}

const ALERTING: ReadonlySet<FairnessFinding['metric']> = new Set(['adverse-impact-ratio', 'equal-opportunity-difference'])

/** `at` is log time. Alerts are opened and ended by findings with evidence only. */
export const judgeFairness = (window: GroupWindow, at: number, settings: MonitoringSettings['fairness']): FairnessVerdict => {
  const limits = {
    groupMin: settings.groupMin,
    outcomesMin: settings.outcomesMin,
    ratioMin: settings.ratioMin,
    opportunityGapMax: settings.opportunityGap,
  }
  const findings = groupFairness(bounded(window.groups), limits)
  const ratios = findings.flatMap(({ metric, estimate }) => (metric === 'adverse-impact-ratio' && estimate ? [estimate.value] : []))
  return {
    rows: findings.map(({ group, reference, metric, n, estimate, state }) => ({
      window_start: window.from,
      window_end: window.to,
      model_version: window.modelVersion,
      attribute: window.attribute,
      group,
      reference_group: reference,
      metric,
      value: estimate?.value ?? null,
      low: estimate?.low ?? null,
      high: estimate === null || estimate.high === Infinity ? null : estimate.high,
      n,
      state,
    })),
    alerts: findings
      .filter(({ metric, state }) => ALERTING.has(metric) && state !== 'insufficient-evidence')
      .map((finding) => ({
        key: `fairness:${window.modelVersion}:${window.attribute}:${finding.group}:${finding.metric}`,
        alert: alertOf(window, finding, at, settings),
      })),
    ratioMin: ratios.length === 0 ? undefined : Math.min(...ratios),
  }
}
