/** Sequences and graph features of every application, point-in-time, as arrays that NumPy reads. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { creditSequence } from '#features/definitions/credit-sequence.ts'
import { GRAPH_LIMITS, type GraphOverflow } from '#features/graph/graph-limits.ts'
import { GRAPH_FEATURES, LinkGraph } from '#features/graph/link-graph.ts'
import { eventSequence } from '#features/sequences/event-sequence.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { NpyFile } from './npy-file.ts'

export interface TensorsWritten {
  readonly rows: number
  readonly events: number
  readonly labelled: number
  readonly sequence: {
    readonly shape: readonly number[]
    readonly channels: readonly string[]
    readonly hash: string
    readonly stateBytes: number
  }
  readonly graph: { readonly features: readonly string[]; readonly overflow: GraphOverflow }
}

/** @param events In the order in which they became known. */
export const writeTensors = async (
  events: Iterable<CreditEvent> | AsyncIterable<CreditEvent>,
  folder: string,
  length: number,
  onProgress: (events: number, rows: number) => void,
): Promise<TensorsWritten> => {
  mkdirSync(folder, { recursive: true })
  const sequence = eventSequence(creditSequence(length))
  const graph = new LinkGraph(GRAPH_LIMITS)
  const files = {
    sequences: new NpyFile(join(folder, 'sequences.npy'), sequence.shape),
    mask: new NpyFile(join(folder, 'mask.npy'), [length]),
    graph: new NpyFile(join(folder, 'graph.npy'), [GRAPH_FEATURES.length]),
  }
  const row = {
    sequences: new Float32Array(length * sequence.shape[1]),
    mask: new Float32Array(length),
    graph: new Float32Array(GRAPH_FEATURES.length),
  }
  const states = new Map<string, Uint8Array>()
  const asked: Pick<ApplicationEvent, 'applicationId' | 'applicantId' | 'eventTime'>[] = []
  const labels = new Map<string, number>()
  let count = 0
  for await (const event of events) {
    let state = states.get(event.applicantId)
    if (state === undefined) states.set(event.applicantId, (state = sequence.emptyState()))
    if (event.kind === 'application') {
      sequence.tensor(state, event, row.sequences, 0, row.mask, 0)
      graph.read(event, row.graph, 0)
      files.sequences.add(row.sequences)
      files.mask.add(row.mask)
      files.graph.add(row.graph)
      asked.push({ applicationId: event.applicationId, applicantId: event.applicantId, eventTime: event.eventTime })
      graph.add(event)
    } else if (event.kind === 'outcome') {
      graph.label(event)
      if (event.observed && !labels.has(event.applicationId)) labels.set(event.applicationId, event.label)
    }
    if (event.kind === 'subject-request' && event.request === 'erasure') states.delete(event.applicantId)
    else sequence.fold(state, event)
    if (++count % 20_000 === 0) onProgress(count, asked.length)
  }
  for (const file of Object.values(files)) file.close()
  const labelFile = new NpyFile(join(folder, 'labels.npy'), [])
  for (const { applicationId } of asked) labelFile.add(Float32Array.of(labels.get(applicationId) ?? Number.NaN))
  labelFile.close()
  writeFileSync(
    join(folder, 'rows.ndjson'),
    asked.map((one) => `${JSON.stringify({ ...one, eventTime: new Date(one.eventTime).toISOString() })}\n`).join(''),
  )
  const written: TensorsWritten = {
    rows: asked.length,
    events: count,
    labelled: asked.reduce((n, { applicationId }) => n + (labels.has(applicationId) ? 1 : 0), 0),
    sequence: { shape: sequence.shape, channels: sequence.channels, hash: sequence.hash, stateBytes: sequence.stateBytes },
    graph: { features: GRAPH_FEATURES, overflow: graph.overflow },
  }
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(written, null, 2)}\n`)
  return written
}
