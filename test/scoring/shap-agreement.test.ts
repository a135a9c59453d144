import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { Decision } from '#schemas/decision.ts'
import { epochMs } from '#schemas/units.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { MemoryStateStore } from '#streams/embedded/memory-state-store.ts'
import { createEngine } from '#streams/engine.ts'
import { Ingest } from '#streams/ingest.ts'
import { silentLogger } from '#streams/logger.ts'
import { pythonEnvironment } from '../python-environment.ts'

const root = join(import.meta.dirname, '../..')
const environment = pythonEnvironment(['shap', 'onnx'])
if (environment.kind === 'absent') process.stderr.write(`skipped: the agreement with shap, because ${environment.reason}\n`)

/** Sends the demo's first clients through a real engine and reads their decisions back from its log. */
const storedDecisions = async (folder: string, bundleDir: string, count: number): Promise<Decision[]> => {
  const clock = { now: () => epochMs(Date.now()) }
  const log = openEventLog({
    folder: join(folder, 'log'),
    partitions: topicPartitions(2),
    clock,
    durability: 'process-kill',
    logger: silentLogger,
  })
  const decider = await loadScorer({ bundleDir, policyPath: join(root, 'models/policy.yaml'), featureSet: creditFeatureSet })
  const engine = createEngine({
    log,
    state: new MemoryStateStore(),
    featureSet: creditFeatureSet,
    decider,
    clock,
    monotonicUs: () => performance.now() * 1000,
    logger: silentLogger,
    owner: 'test',
    host: 'test',
    runtime: 'test',
    onStopped: () => {},
  })
  await engine.start()
  const ingest = new Ingest({ log, engine, vault: undefined, clock })
  const events = [...demoStream(readFileSync(join(root, 'data/taiwan/taiwan-credit-default.csv.gz'))).events()].filter(
    (event) => Number(event.applicantId.slice(3)) <= count,
  )
  await ingest.ingest(events.map((event) => ({ event, bytes: new Uint8Array(0) })))
  await engine.drain()
  await engine.stop()
  const decisions: Decision[] = []
  for (const partition of [0, 1]) {
    for (const { value } of await log.read('decisions', partition, 0, 1 << 26)) {
      const record = decodeDecisionRecord(value)
      if (record.kind === 'decision') decisions.push(record.decision)
    }
  }
  await log.close()
  return decisions
}

test.skipIf(environment.kind === 'absent')(
  'the attributions of 200 stored decisions are those of shap against the whole background',
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'scorestream-shap-'))
    try {
      const { directory } = resolve(join(root, 'models'), 'credit@champion')
      const decisions = await storedDecisions(folder, directory, 200)
      expect(decisions).toHaveLength(200)
      const path = join(folder, 'decisions.json')
      const rows = decisions.map(({ body }) => ({
        vector: Array.from(body.vector, (value) => (Number.isNaN(value) ? null : value)),
        attributions: [...body.attributions],
        base: body.base,
        margin: body.margin,
      }))
      writeFileSync(path, JSON.stringify(rows))
      const python = environment.kind === 'ready' ? environment.python : ''
      const answer = JSON.parse(
        execFileSync(python, [join(import.meta.dirname, 'shap_of_bundle.py'), directory, path], { encoding: 'utf8' }),
      ) as Record<string, number>
      process.stdout.write(`shap: ${JSON.stringify(answer)}\n`)
      expect(answer).toMatchObject({ decisions: 200, background: 1000 })
      expect(answer['largest']).toBeGreaterThan(0.3)
      expect(answer['attributions']).toBeLessThan(1e-6)
      expect(answer['base']).toBeLessThan(1e-6)
      expect(answer['additivity']).toBeLessThan(1e-6)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
