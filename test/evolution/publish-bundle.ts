/** A bundle of any feature set, trained on some of the demo's clients within a second or two. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FEATURE_SETS } from '#features/sets.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { eventsFrom } from '#training/dataset.ts'
import { TAIWAN_SOURCE } from '#training/taiwan-source.ts'
import { train } from '#training/train.ts'
import { stumpLearner } from './stump-learner.ts'

const DATA = readFileSync(join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz'))
const CLIENTS = 1_500

/** Events of the clients whose number lies in `[from, to)`, in the order of the stream; applications name devices, employers and addresses. */
export const demoEvents = (from: number, to: number): CreditEvent[] => {
  const [first, end] = [`tw-${String(from + 1).padStart(5, '0')}`, `tw-${String(to + 1).padStart(5, '0')}`]
  return [...demoStream(DATA, { links: true }).events()].filter(({ applicantId }) => applicantId >= first && applicantId < end)
}

/** Returns the version; no alias moves. */
export const publishBundle = async (setName: string, modelsDir: string): Promise<string> => {
  const { set, monotone, reasonGroups } = FEATURE_SETS.find(({ name }) => name === setName)!
  const { version } = await train({
    events: eventsFrom(demoEvents(20_000, 20_000 + CLIENTS)),
    source: TAIWAN_SOURCE,
    featureSet: set,
    monotone,
    reasonGroups,
    out: modelsDir,
    learner: stumpLearner,
    plan: 'quick',
  })
  return version
}
