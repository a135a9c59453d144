import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { creditSequence } from '#features/definitions/credit-sequence.ts'
import { GRAPH_LIMITS } from '#features/graph/graph-limits.ts'
import { GRAPH_FEATURES, LinkGraph } from '#features/graph/link-graph.ts'
import { eventSequence } from '#features/sequences/event-sequence.ts'
import { agreeOnFormat } from '#streams/embedded/data-directory.ts'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { epochMs } from '#schemas/units.ts'
import { pythonEnvironment } from '../python-environment.ts'
import { PARTITIONS, put, T0 } from '../streams/support/embedded.ts'
import { linkedEvents } from '../streams/support/linked-world.ts'
import { scorestream } from './command-line.ts'

const STEPS = 5
const python = pythonEnvironment(['numpy'])

/** An array as NumPy reads it: shape, kind of number, and all of them. */
const load = (path: string): { shape: number[]; dtype: string; numbers: Float32Array } => {
  if (python.kind === 'absent') throw new Error(python.reason)
  const script =
    'import numpy, sys, json; a = numpy.load(sys.argv[1]); a.tofile(sys.argv[1] + ".raw"); print(json.dumps([list(a.shape), a.dtype.str]))'
  const [shape, dtype] = JSON.parse(execFileSync(python.python, ['-c', script, path], { encoding: 'utf8' })) as [number[], string]
  const raw = readFileSync(`${path}.raw`)
  return { shape, dtype, numbers: new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length)) }
}

describe.runIf(python.kind === 'ready')('scorestream tensors', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tensors-'))
  const data = join(folder, 'data')
  const out = join(folder, 'out')
  const events = linkedEvents(3, 120)
  afterAll(() => rmSync(folder, { recursive: true }))

  beforeAll(async () => {
    let now = T0 + 1_000_000
    mkdirSync(data)
    agreeOnFormat(data, { partitions: PARTITIONS })
    const log = openEventLog({
      folder: join(data, 'log'),
      partitions: topicPartitions(PARTITIONS),
      clock: { now: () => epochMs(now) },
      durability: 'process-kill',
      logger: silentLogger,
    })
    for (const event of events) {
      now += 1000
      await put(log, event)
    }
    await log.close()
  })

  it('writes what folding the log in its order gives, in arrays that NumPy reads', async () => {
    const { code, stdout, stderr } = await scorestream(['tensors', '--data-dir', data, '--out', out, '--length', String(STEPS), '--json'])
    expect(code, stderr).toBe(0)
    const sequence = eventSequence(creditSequence(STEPS))
    const graph = new LinkGraph(GRAPH_LIMITS)
    const states = new Map<string, Uint8Array>()
    const wanted = { sequences: [] as number[], mask: [] as number[], graph: [] as number[], ids: [] as string[] }
    const seen = new Set<string>()
    for (const event of events) {
      if (seen.has(event.eventId)) continue
      seen.add(event.eventId)
      const state = states.get(event.applicantId) ?? sequence.emptyState()
      states.set(event.applicantId, state)
      if (event.kind === 'application') {
        const [tensor, mask] = [new Float32Array(STEPS * sequence.shape[1]), new Float32Array(STEPS)]
        const row = new Float32Array(GRAPH_FEATURES.length)
        sequence.tensor(state, event, tensor, 0, mask, 0)
        graph.read(event, row, 0)
        graph.add(event)
        wanted.sequences.push(...tensor)
        wanted.mask.push(...mask)
        wanted.graph.push(...row)
        wanted.ids.push(event.applicationId)
      }
      sequence.fold(state, event)
    }
    const rows = wanted.ids.length
    expect(rows).toBeGreaterThan(40)
    expect(JSON.parse(stdout)).toMatchObject({ rows, labelled: 0, sequence: { shape: sequence.shape, channels: sequence.channels } })
    expect(load(join(out, 'sequences.npy'))).toEqual({
      shape: [rows, ...sequence.shape],
      dtype: '<f4',
      numbers: Float32Array.from(wanted.sequences),
    })
    expect(load(join(out, 'mask.npy'))).toEqual({ shape: [rows, STEPS], dtype: '<f4', numbers: Float32Array.from(wanted.mask) })
    expect(load(join(out, 'graph.npy'))).toEqual({
      shape: [rows, GRAPH_FEATURES.length],
      dtype: '<f4',
      numbers: Float32Array.from(wanted.graph),
    })
    expect(load(join(out, 'labels.npy')).shape).toEqual([rows])
    const ids = readFileSync(join(out, 'rows.ndjson'), 'utf8').trim().split('\n')
    expect(ids.map((line) => (JSON.parse(line) as { applicationId: string }).applicationId)).toEqual(wanted.ids)
  })

  it('says what it needs', async () => {
    expect((await scorestream(['tensors'])).code).toBe(64)
    expect((await scorestream(['tensors', '--data-dir', join(folder, 'none'), '--out', out])).code).toBe(66)
  })
})
