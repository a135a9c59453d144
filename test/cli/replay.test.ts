import { appendFileSync, copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeDecisionRecord, decodeEvent } from '#schemas/wire.ts'
import type { Decision } from '#schemas/decision.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { eventsOf } from '../crash/events.ts'
import { Producer } from '../crash/producer.ts'
import { scorestream } from './command-line.ts'
import { changeByte, flipOneBit, tamper } from './tamper.ts'

const MODELS = join(import.meta.dirname, '../../models')
const root = mkdtempSync(join(tmpdir(), 'scorestream-replay-'))
const original = join(root, 'original')
/** A copy that a test may damage. */
const dataDir = join(root, 'data')
const modelsDir = join(root, 'models')
const policyFile = join(root, 'policy.yaml')
const environment = { SCORESTREAM_DATA_DIR: dataDir, SCORESTREAM_MODELS_DIR: modelsDir, SCORESTREAM_POLICY_FILE: policyFile }
const id = ({ body }: Decision): string => `${body.partition}-${body.offset}`

const decisionsOf = async (directory: string): Promise<Decision[]> => {
  const log = openReadOnly({ folder: join(directory, 'log'), partitions: topicPartitions(12), topics: ['decisions'] })
  const out: Decision[] = []
  for (let partition = 0; partition < 12; partition++)
    for (const { value } of await log.read('decisions', partition, 0, 1e9)) {
      const record = decodeDecisionRecord(value)
      if (record.kind === 'decision') out.push(record.decision)
    }
  await log.close()
  return out
}

const replay = async (...ids: string[]) => {
  const { code, stdout, stderr } = await scorestream(['replay', '--json', ...ids], environment)
  const results = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; result: string; differences?: { cause: string; detail: string }[] })
  return { code, results, stderr, causes: results.flatMap(({ differences }) => differences?.map(({ cause }) => cause) ?? []) }
}

let decisions: Decision[]
/** An application in a frame that is not the last of the log: behind the last one a damaged frame looks torn. */
let victim: Decision
let engine: EngineProcess | undefined

beforeAll(async () => {
  // Two lives of an engine: the second goes on from the state and the chains of the first.
  const events = eventsOf(60)
  const half = events.length / 2
  for (const part of [events.slice(0, half), events.slice(half)]) {
    const producer = new Producer(part, { lanes: 2, lines: 50 })
    engine = await startEngine(original)
    producer.pointAt(engine.http)
    await producer.run()
    await engine.end()
  }
  decisions = await decisionsOf(original)
  const last = new Map(decisions.map((one) => [one.body.partition, one.body.offset]))
  victim = decisions.find(({ body }) => body.offset < (last.get(body.partition) ?? 0)) as Decision
})
beforeEach(() => {
  for (const [from, to] of [
    [original, dataDir],
    [MODELS, modelsDir],
  ] as const) {
    rmSync(to, { recursive: true, force: true })
    cpSync(from, to, { recursive: true })
  }
  copyFileSync(join(MODELS, 'policy.yaml'), policyFile)
})
afterAll(async () => {
  await engine?.kill()
  rmSync(root, { recursive: true, force: true })
})

describe('a past decision in a fresh process', () => {
  test('is the same bit for bit, also across a restart, and every chain holds', async () => {
    expect(decisions).toHaveLength(60)
    const ids = decisions.map(id).filter((_, i) => i % 4 === 0)
    const { code, results, stderr } = await replay(...ids)
    expect(stderr).toBe('')
    expect(results.filter(({ result }) => result !== 'same')).toEqual([])
    expect(results).toHaveLength(ids.length)
    expect(code).toBe(0)
    const verified = await scorestream(['verify-chain'], environment)
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^60 decisions in 12 partitions: every hash/) })
  })

  test('is the same beside a running engine', async () => {
    engine = await startEngine(dataDir, { environment: { SCORESTREAM_MODELS_DIR: modelsDir } })
    expect(await replay(id(victim))).toMatchObject({ code: 0, results: [{ result: 'same' }] })
    expect(await engine.end()).toBe(0)
  })

  test('is the same after the policy has changed, and says that another is in force', async () => {
    appendFileSync(policyFile, '# another version\n')
    const { code, stdout } = await scorestream(['replay', id(victim)], environment)
    expect(code).toBe(0)
    expect(stdout).toMatch(/the same, bit for bit/)
    expect(stdout).toMatch(/another policy is in force now: .*policy\.yaml, whose SHA-256 begins [0-9a-f]{12}/)
  })

  test('an id that names no decision exits 66, one that is none 64', async () => {
    expect(await replay('0-999999')).toMatchObject({ code: 66, stderr: expect.stringContaining('no decision is believed at 0-999999') })
    expect(await replay('nonsense')).toMatchObject({ code: 64, stderr: expect.stringContaining('one looks like 3-1204') })
    expect(await scorestream(['replay'], environment)).toMatchObject({ code: 64 })
  })
})

describe('one byte changed', () => {
  const isApplication = ({ partition, offset }: { partition: number; offset: number }) =>
    partition === victim.body.partition && offset === victim.body.offset

  test('in the application itself: data', async () => {
    tamper({
      dataDir,
      topic: 'credit-events',
      is: isApplication,
      change: (value) => flipOneBit(value, () => decodeEvent(value).kind === 'accepted'),
      mendChecksum: true,
    })
    const { code, causes } = await replay(id(victim))
    expect(code).toBe(1)
    expect(causes[0]).toBe('data')
  })

  test('in an earlier event of the applicant, its frame made to fit: data', async () => {
    tamper({
      dataDir,
      topic: 'credit-events',
      is: ({ partition, offset, value }) => {
        const event = decodeEvent(value)
        return (
          partition === victim.body.partition &&
          offset < victim.body.offset &&
          event.kind === 'accepted' &&
          event.value.kind === 'statement' &&
          event.value.applicantId === victim.body.applicantId
        )
      },
      change: (value) => {
        const was = decodeEvent(value)
        return flipOneBit(value, () => {
          const is = decodeEvent(value)
          return (
            was.kind === 'accepted' &&
            is.kind === 'accepted' &&
            was.value.kind === 'statement' &&
            is.value.kind === 'statement' &&
            was.value.applicantId === is.value.applicantId &&
            was.value.closingBalance !== is.value.closingBalance
          )
        })
      },
      mendChecksum: true,
    })
    const { code, results, causes } = await replay(id(victim))
    expect(code).toBe(1)
    expect(causes).toEqual(['data'])
    expect(results[0]?.differences?.[0]?.detail).toMatch(/features differ .* an earlier event of the applicant was changed/)
  })

  test('in an event, its frame left as it is: data, naming file and byte', async () => {
    const flip = (value: Uint8Array) => flipOneBit(value, () => true)
    tamper({ dataDir, topic: 'credit-events', is: isApplication, change: flip, mendChecksum: false })
    const { code, results, causes } = await replay(id(victim))
    expect(code).toBe(1)
    expect(causes).toEqual(['data'])
    expect(results[0]?.differences?.[0]?.detail).toMatch(/credit-events.*is damaged at byte \d+/)
  })

  test.for(['trees.onnx', 'scorecard.onnx', 'background.f32', 'golden.json'])('in %s of the bundle: model', async (file) => {
    changeByte(join(modelsDir, victim.body.modelVersion.replace('@', '/'), file), 1_000)
    const { code, results, causes } = await replay(id(victim))
    expect(code).toBe(1)
    expect(causes).toEqual(['model'])
    expect(results[0]?.differences?.[0]?.detail).toContain(file)
  })

  test.for([
    ['a number', '"value": ', 9],
    ['the syntax', '{', 0],
  ] as const)('in %s of the manifest: model', async ([, find, after]) => {
    const path = join(modelsDir, victim.body.modelVersion.replace('@', '/'), 'manifest.json')
    changeByte(path, readFileSync(path).indexOf(find) + after)
    const { code, causes } = await replay(id(victim))
    expect(code).toBe(1)
    expect(causes).toEqual(['model'])
  })

  test('in the policy that decided: policy', async () => {
    const [archived = ''] = readdirSync(join(dataDir, 'policies'))
    changeByte(join(dataDir, 'policies', archived), 'stricter')
    const { code, results, causes } = await replay(id(victim))
    expect(code).toBe(1)
    expect(causes).toEqual(['policy'])
    expect(results[0]?.differences?.[0]?.detail).toContain(archived)
  })

  test('in the stored capsule, its frame made to fit: chain, for replay and for verify-chain', async () => {
    const changed = tamper({
      dataDir,
      topic: 'decisions',
      is: ({ value }) => {
        const record = decodeDecisionRecord(value)
        return record.kind === 'decision' && id(record.decision) === id(victim)
      },
      change: (value) => {
        const margin = Buffer.alloc(8)
        margin.writeDoubleLE(victim.body.margin)
        const at = Buffer.from(value).indexOf(margin)
        value[at] = (value[at] as number) ^ 1
        return true
      },
      mendChecksum: true,
    })
    const { code, causes } = await replay(id(victim))
    expect(code).toBe(1)
    expect(causes).toContain('chain')
    const verified = await scorestream(['verify-chain', '--json'], environment)
    expect(verified.code).toBe(1)
    const { partitions } = JSON.parse(verified.stdout) as { partitions: { partition: number; faults: { code: string; at: number }[] }[] }
    expect(partitions[victim.body.partition]?.faults).toContainEqual(expect.objectContaining({ code: 'hash', at: changed.offset }))
  })

  test('in the decisions log, its frame left as it is: named with file and byte by both', async () => {
    tamper({
      dataDir,
      topic: 'decisions',
      is: ({ value }) => decodeDecisionRecord(value).kind === 'decision',
      change: (value) => flipOneBit(value, () => true),
      mendChecksum: false,
    })
    const { code, stderr } = await replay(id(victim))
    expect(code).toBe(1)
    expect(stderr).toMatch(/data: .*decisions.*is damaged at byte \d+/)
    const verified = await scorestream(['verify-chain'], environment)
    expect(verified.code).toBe(65)
    expect(verified.stderr).toMatch(/decisions.*is damaged at byte \d+/)
  })
})
