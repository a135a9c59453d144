/** The selection report for people: Markdown that a terminal shows as well. */
import { AUC_LOSS_MAX, type DropTrial, type SelectionReport } from './select-features.ts'

const tenThousandths = (value: number): string => (1e4 * value).toFixed(1)

/** One line a trial, for the console, too. */
export const trialLine = ({ why, features, stateBytes, difference, recommended }: DropTrial): string =>
  `${recommended ? 'recommended' : 'not recommended'}: drop ${features.length} ${why === 'both' ? 'redundant or weak' : why} features (${stateBytes} bytes of state of their own): AUC × 10⁴ ${tenThousandths(difference.value)} [${tenThousandths(difference.low)}, ${tenThousandths(difference.high)}]`

/** Deterministic in the report. */
export const selectionText = ({ folds, features, trials }: SelectionReport): string => {
  const rows = features.map(
    ({ feature, importance, rankBest, rankWorst, informationValue, leader, correlation, shift, stateBytes }) =>
      `| \`${feature}\` | ${(100 * importance).toFixed(2)} % | ${rankBest}–${rankWorst} | ${informationValue.toFixed(3)} | ${leader === feature ? '' : `\`${leader}\` (${correlation.toFixed(3)})`} | ${shift === null ? 'unknown' : shift.toFixed(3)} | ${stateBytes} |`,
  )
  return `# Feature selection

A report: nothing was dropped. Importance is the share of what the splits of the trees explain, mean over ${folds} folds by client; ranks are the best and worst of them.
"Repeats" names the more important feature that a feature follows by rank correlation. Drift is the population stability index of the newer half of the training period
against the older. Bytes are those of an applicant's state that nothing else needs.

## Dropping features

Out-of-fold AUC without them less that with them, DeLong's paired 95 % interval; recommended where the whole interval loses less than ${AUC_LOSS_MAX}.

${trials.length === 0 ? 'No feature is redundant or weak.' : trials.map((trial) => `- ${trialLine(trial)}\n${trial.features.map((feature) => `  - \`${feature}\``).join('\n')}`).join('\n')}

## Features

| feature | importance | rank | information value | repeats | drift | bytes |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}
