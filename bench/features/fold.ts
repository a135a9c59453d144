/** Nanoseconds to fold an event and to read a vector, and bytes allocated doing either. */
import { Session } from 'node:inspector/promises'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { median } from '../bench-row.ts'
import { year } from './history.ts'

const APPLICANTS = 64

interface Work {
  readonly set: CompiledFeatureSet
  readonly events: readonly CreditEvent[]
  readonly applications: readonly ApplicationEvent[]
  readonly states: ReadonlyMap<string, Uint8Array>
  readonly out: Float32Array
}

const workOf = (set: CompiledFeatureSet): Work => {
  const read = new Set<string>([...set.layout.sections, ...set.layout.panes].map(({ kind }) => kind))
  const years = Array.from({ length: APPLICANTS }, (_, i) => year(i))
  const states = new Map(years.map((events) => [events[0]!.applicantId as string, set.emptyState()]))
  const all = years.flat()
  const applications = all.filter((event) => event.kind === 'application')
  // Only kinds the set looks at: the others cost nothing and would flatter the figure.
  return { set, events: all.filter(({ kind }) => read.has(kind)), applications, states, out: new Float32Array(set.size) }
}

const foldAll = ({ set, events, states }: Work): void => {
  for (let i = 0; i < events.length; i++) set.fold(states.get(events[i]!.applicantId)!, events[i]!)
}

const readAll = ({ set, applications, states, out }: Work): void => {
  for (let i = 0; i < applications.length; i++) set.vector(states.get(applications[i]!.applicantId)!, applications[i]!, out, 0)
}

/** CPU time of this process: what others do on the machine meanwhile is not counted, though it still costs caches. */
const nanosEach = (runs: number, count: number, work: () => void): number => {
  const each: number[] = []
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    each.push(((user + system) * 1_000) / count)
  }
  return median(each)
}

interface ProfileNode {
  readonly selfSize: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children: readonly ProfileNode[]
}

/** Bytes allocated inside the feature engine per call, by V8's sampling heap profiler. */
const allocatedEach = async (calls: number, work: () => void): Promise<number> => {
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 4096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  } as object)
  work()
  const { profile } = (await session.post('HeapProfiler.stopSampling')) as unknown as { profile: { head: ProfileNode } }
  session.disconnect()
  const own = (node: ProfileNode): number =>
    (node.callFrame.url.includes('/features/') && !node.callFrame.url.includes('/bench/') ? node.selfSize : 0) +
    node.children.reduce((sum, child) => sum + own(child), 0)
  return own(profile.head) / calls
}

export interface FoldFigures {
  readonly foldNanos: number
  readonly vectorNanos: number
  readonly foldBytes: number
  readonly vectorBytes: number
}

export const measureFold = async (set: CompiledFeatureSet, runs: number): Promise<FoldFigures> => {
  const work = workOf(set)
  // Long enough for the optimising compiler, and rings are full as in service.
  for (let i = 0; i < 200; i++) foldAll(work)
  for (let i = 0; i < 200; i++) readAll(work)
  const repeat = (times: number, once: () => void) => () => {
    for (let i = 0; i < times; i++) once()
  }
  return {
    foldNanos: nanosEach(
      runs,
      40 * work.events.length,
      repeat(40, () => foldAll(work)),
    ),
    vectorNanos: nanosEach(
      runs,
      400 * work.applications.length,
      repeat(400, () => readAll(work)),
    ),
    foldBytes: await allocatedEach(
      100 * work.events.length,
      repeat(100, () => foldAll(work)),
    ),
    vectorBytes: await allocatedEach(
      1_000 * work.applications.length,
      repeat(1_000, () => readAll(work)),
    ),
  }
}
