/** The block `monitoring` of the configuration: from when a figure counts, and what follows from it. */
import Type, { type Static } from 'typebox'

const share = (fallback: number, description: string) => Type.Number({ default: fallback, minimum: 0, maximum: 1, description })
const count = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description })
const block = <Properties extends Type.TProperties>(properties: Properties) =>
  Type.Object(properties, { default: {}, additionalProperties: false })

export const MonitoringSettings = block({
  enabled: Type.Boolean({ default: true, description: 'Whether decisions and events are watched at all' }),
  drift: block({
    psi: Type.Number({
      default: 0.25,
      minimum: 0.01,
      maximum: 10,
      description: 'Population stability index from which a feature or the score has drifted',
    }),
    significance: share(0.001, 'Largest p-value of a drift, over all features of a window together (Bonferroni)'),
    decisionsMin: count(1_000, 100, 10_000_000, 'Decisions a window needs before it can alert'),
    windowDecisions: count(2_000, 100, 10_000_000, 'Decisions after which a window closes'),
    notAlerting: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
      default: ['.event.days-since-first.ever'],
      maxItems: 256,
      description: 'Endings of the names of features that are watched and never alert: they move with the calendar or the age of the log',
    }),
    windowHours: count(24, 1, 8_760, 'Hours of log time after which a window closes in any case'),
  }),
  quality: block({
    windowEvents: count(500, 100, 1_000_000, 'Events of one producer and kind after which their window closes'),
    missingShare: share(0.1, 'Change of the share of events without a field, against the producer’s own past, from which it counts'),
    unitDecades: Type.Number({
      default: 0.8,
      minimum: 0.2,
      maximum: 6,
      description: 'Shift of the median amount, in powers of ten, from which a unit has changed, where the shape stays the same',
    }),
    rangeShare: share(0.05, 'Share of values beyond all that the producer sent before from which it counts'),
    freshnessFactor: Type.Number({
      default: 4,
      minimum: 1.5,
      maximum: 1_000,
      description: 'Growth of the median age on arrival from which events are stale',
    }),
    volumeFactor: Type.Number({
      default: 5,
      minimum: 1.5,
      maximum: 1_000,
      description: 'Growth or fall of a producer’s events per period from which it counts',
    }),
    volumeMinutes: count(15, 1, 1_440, 'Period over which a producer’s events are counted'),
  }),
  fairness: block({
    groupMin: count(100, 10, 1_000_000, 'Decisions a group needs'),
    outcomesMin: count(30, 5, 1_000_000, 'Observed goods, and observed bads, a group needs'),
    ratioMin: share(0.8, 'Least ratio of approval rates (four fifths)'),
    opportunityGap: share(0.1, 'Largest gap between approval rates among good borrowers'),
  }),
  performance: block({
    outcomesMin: count(200, 50, 1_000_000, 'Matured outcomes a window needs'),
    aucDrop: share(
      0.03,
      'Fall of the area under the ROC curve below the model’s own from which it counts, where chance does not explain it',
    ),
    calibrationShift: Type.Number({
      default: 0.25,
      minimum: 0.01,
      maximum: 5,
      description: 'Calibration in the large, in log-odds, from which it counts',
    }),
  }),
  latency: block({
    milliseconds: count(8, 1, 60_000, 'Time from append to readable decision that counts as good'),
    target: Type.Number({ default: 0.99, minimum: 0.5, maximum: 0.99999, description: 'Share of decisions promised to be good' }),
    decisionsMin: count(100, 1, 1_000_000, 'Decisions the longer window of a burn-rate alert needs'),
  }),
  retrain: block({
    windows: count(2, 1, 100, 'Drifted windows in a row that ask for a successor'),
    featuresMin: count(3, 1, 4_096, 'Drifted features (the score alone suffices) from which a drifted window counts'),
    intervalMinutes: count(60, 0, 525_600, 'Least log time between two requests'),
    perDayMax: count(4, 0, 1_000, 'Most requests in a day of log time; 0 never asks'),
    outcomesMin: count(1_000, 0, 100_000_000, 'Observed outcomes that must have come in since the last request'),
  }),
})
export type MonitoringSettings = Static<typeof MonitoringSettings>
