/** Brings the states of a feature set to a cut of the logs, with the very engine that will go on from there; resumes at its own last commit. */
import type { FeatureSet } from '#features/feature-set.ts'
import { createEngine } from '../engine.ts'
import { TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import { ownAll } from '../own-all.ts'
import { realPauses, type Pauses } from '../pipeline/pauses.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import type { Clock, Decider, EventLog, StateStore } from '../ports.ts'
import { setAsideIn } from '../set-aside.ts'
import type { Cut } from './cut.ts'
import { logAtCut } from './log-at-cut.ts'

const MEBI = 1024 * 1024
/** Two or three milliseconds of work: the engine that decides on the same event loop waits no longer for its turn. */
const SMALL_BATCHES = {
  batchRecordsMax: 256,
  batchApplicationsMax: 32,
  catchUpFactor: 1,
  cacheBytesMax: 48 * MEBI,
  linkedBytesMax: 32 * MEBI,
}
/** Rests twice as long as it worked: a third of the event loop at most. */
const REST = 2
/** The deciding engine stands this many events behind: it goes first … */
const BEHIND = 512
/** … for at most this long a batch, so that the states are complete some day under any load. */
const GIVE_WAY_MS = 50
const STEP_MS = 5

export interface FillPorts {
  readonly log: EventLog
  readonly featureSet: FeatureSet
  readonly state: StateStore
  readonly linkedState?: StateStore
  /** Of the model to come; nothing is asked of it. */
  readonly decider: Decider
  /** Those of the engine that decides. */
  readonly settings: PipelineSettings
  readonly clock: Clock
  readonly monotonicUs: () => number
  readonly logger: Logger
  /** Whether what applications tell linked entities is told here: the present set's engine tells nothing. */
  readonly tells: boolean
  readonly signal: AbortSignal
  readonly progressed: (positions: ReadonlyMap<number, number>) => void
}

/** Pauses of work that gives way to others on the event loop. `behind`: events the deciding engine has before it. */
export const givingWay = (monotonicUs: () => number, behind: () => number): Pauses => {
  let since = monotonicUs()
  return {
    ...realPauses,
    async turn() {
      const workedMs = (monotonicUs() - since) / 1000
      await realPauses.wait(REST * workedMs)
      for (let waited = 0; waited < GIVE_WAY_MS && behind() > BEHIND; waited += STEP_MS) await realPauses.wait(STEP_MS)
      since = monotonicUs()
    },
  }
}

/** Rejects where states cannot be brought there, and with `closed` where `signal` calls it off; what is committed stays. */
export const fillTo = async (cut: Cut, ports: FillPorts, pauses: Pauses = realPauses): Promise<void> => {
  const { log, featureSet, state, linkedState, settings, tells, signal, progressed } = ports
  const partitions = log.partitions('credit-events')
  const setAside = await Promise.all(Array.from({ length: partitions }, (_, partition) => setAsideIn(log, partition)))
  let failure: unknown
  const engine = createEngine({
    ...ports,
    log: logAtCut(log, { cut, setAside, tells }),
    featureSet,
    state,
    ...(linkedState === undefined ? {} : { linkedState }),
    owner: 'catching up',
    host: 'catching up',
    runtime: 'catching up',
    ownership: ownAll(partitions),
    settings: { ...settings, ...SMALL_BATCHES, latency: null },
    pauses,
    onStopped: (cause) => (failure = cause),
  })
  const calledOff = (): void => void engine.stop()
  signal.addEventListener('abort', calledOff, { once: true })
  // Before it has taken its partitions over, it stands nowhere.
  const told = engine.progress.subscribe(() => {
    if (engine.positions().size > 0) progressed(engine.positions())
  })
  try {
    if (signal.aborted) throw new TerminalFailure('closed', 'catching up was called off')
    await engine.start()
    await engine.drain()
  } catch (cause) {
    throw failure ?? cause
  } finally {
    told.unsubscribe()
    signal.removeEventListener('abort', calledOff)
    await engine.stop()
  }
}
