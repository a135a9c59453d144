/** Streams of real decisions, drawn again and again, with faults and shifts put into them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { Verdict } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'

/** A decision as it happened in the demo, with one payment of the same client. */
export interface Drawn {
  readonly application: ApplicationEvent
  readonly vector: Float32Array
  readonly verdict: Verdict
  paid: number
  channel: 'online' | 'mobile'
  producer: 'bank-a' | 'bank-b'
}

const ROOT = join(import.meta.dirname, '..')

/** Every application of the demo with its vector and verdict under the shipped model. */
export const demoDecisions = async (): Promise<readonly Drawn[]> => {
  const scorer = await loadScorer({
    bundleDir: resolve(join(ROOT, 'models'), 'credit@champion').directory,
    policyPath: join(ROOT, 'models/policy.yaml'),
    featureSet: creditFeatureSet,
    attribution: 'interventional',
    now: () => 0,
  })
  const states = new Map<string, Uint8Array>()
  const paid = new Map<string, number>()
  const out: Drawn[] = []
  for (const event of demoStream(readFileSync(join(ROOT, 'data/taiwan/taiwan-credit-default.csv.gz'))).events()) {
    const state = states.get(event.applicantId) ?? creditFeatureSet.emptyState()
    states.set(event.applicantId, state)
    creditFeatureSet.fold(state, event)
    if (event.kind === 'payment') paid.set(event.applicantId, event.amount)
    if (event.kind !== 'application') continue
    const vector = new Float32Array(creditFeatureSet.size)
    creditFeatureSet.vector(state, event, vector, 0)
    const verdict = scorer.decide(event, vector, 0, null)
    out.push({ application: event, vector, verdict, paid: paid.get(event.applicantId) ?? 1, channel: 'online', producer: 'bank-a' })
  }
  return out
}

/** A linear congruential generator (Numerical Recipes): the same stream on every machine. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

export interface Scenario {
  readonly name: string
  readonly what: string
  /** What a right alert says. */
  readonly cause: Readonly<Record<string, unknown>>
  /** Whether what is drawn is to be the riskier of two. */
  readonly riskier: (drawn: Pick<Drawn, 'channel'>) => boolean
  readonly disturb: (drawn: Drawn) => Drawn
}

const AMOUNT = creditFeatureSet.features.findIndex(({ name }) => name === 'applicant.application.amount.stated.now')
const untouched = (drawn: Drawn): Drawn => drawn

const hundredfold = (drawn: Drawn): Drawn => {
  if (drawn.producer !== 'bank-b') return drawn
  const vector = drawn.vector.slice()
  vector[AMOUNT]! *= 100
  return { ...drawn, vector, paid: drawn.paid * 100 }
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'unit_change',
    what: 'bank-b (3 in 10) sends amounts a hundred times too large',
    cause: { kind: 'data-quality', cause: 'unit-change', producer: 'bank-b', field: 'amount' },
    riskier: () => false,
    disturb: hundredfold,
  },
  {
    name: 'population',
    what: 'of two applicants the riskier applies, everywhere',
    cause: { kind: 'drift', cause: 'population-shift', segment: null },
    riskier: () => true,
    disturb: untouched,
  },
  {
    name: 'segment',
    what: 'of two applicants the riskier applies, through the mobile channel (3 in 10) alone',
    cause: { kind: 'drift', cause: 'segment-shift', segment: 'channel=mobile' },
    riskier: ({ channel }) => channel === 'mobile',
    disturb: untouched,
  },
]

interface Course {
  readonly count: number
  /** What happens to the decisions from `from` until `until`, exclusive; the others are undisturbed. */
  readonly scenario?: Scenario
  readonly from?: number
  readonly until?: number
}

export function* streamOf(pool: readonly Drawn[], seed: number, { count, scenario, from = 0, until = Infinity }: Course): Generator<Drawn> {
  const random = randomFrom(seed)
  const one = (): Drawn => pool[Math.floor(random() * pool.length)]!
  for (let index = 0; index < count; index++) {
    const active = index >= from && index < until ? scenario : undefined
    const channel = random() < 0.3 ? 'mobile' : 'online'
    const producer = random() < 0.3 ? 'bank-b' : 'bank-a'
    const [first, second] = [one(), one()]
    const chosen = active?.riskier({ channel }) === true && second.verdict.score < first.verdict.score ? second : first
    const drawn: Drawn = { ...chosen, channel, producer }
    yield active === undefined ? drawn : active.disturb(drawn)
  }
}
