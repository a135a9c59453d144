import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { readCertificates } from '../../cli/evolution/certificate-files.ts'
import { readInForce } from '../../cli/evolution/in-force.ts'
import { scorestream } from '../cli/command-line.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { Producer } from '../crash/producer.ts'
import { decisionsOn } from './decided-logs.ts'
import { demoEvents, publishBundle } from './publish-bundle.ts'

const root = mkdtempSync(join(tmpdir(), 'scorestream-evolve-'))
const [dataDir, modelsDir] = [join(root, 'data'), join(root, 'models')]
const environment = { SCORESTREAM_DATA_DIR: dataDir, SCORESTREAM_MODELS_DIR: modelsDir }
const [FORMER, LATER] = [creditFeatureSet.hash, creditLinkedFeatureSet.hash]
let linkedVersion: string
let engine: EngineProcess | undefined

beforeAll(async () => {
  cpSync(join(import.meta.dirname, '../../models'), modelsDir, { recursive: true })
  linkedVersion = await publishBundle('credit-linked-v1', modelsDir)
}, 60_000)
afterAll(async () => {
  await engine?.kill()
  rmSync(root, { recursive: true, force: true })
})

/** Sends the events of some of the demo's clients; each is acknowledged in the end. */
const send = async (from: number, to: number): Promise<void> => {
  const producer = new Producer(demoEvents(from, to), { lanes: 2, lines: 20 })
  producer.pointAt(engine!.http)
  await producer.run()
}
/** Ends with the test's own limit. */
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50))
}
const cutOvers = (): number => readCertificates(dataDir).filter(({ cutOver }) => cutOver !== null).length
const cli = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await scorestream(args, environment)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return stdout
}
const setsOf = async (): Promise<ReadonlyMap<string, string>> =>
  new Map((await decisionsOn(dataDir)).map(({ body }) => [body.applicantId, body.featureSetHash]))

test(
  'a bundle of another set is promoted while applications come in; the set follows with a certificate, without a restart',
  { timeout: 120_000 },
  async () => {
    engine = await startEngine(dataDir, { environment })
    await send(0, 60)
    const during = send(60, 140)
    expect(await cli('models', 'promote', linkedVersion, '--why', 'devices')).toContain(linkedVersion)
    await Promise.all([during, until(() => cutOvers() === 1)])
    expect(readInForce(dataDir)).toEqual({ featureSetHash: LATER, modelVersion: `credit@${linkedVersion}` })
    await send(140, 170)
    expect(await (await fetch(`${engine.http}/metrics`)).text()).toMatch(/^scorestream_feature_set_filled_ratio 1$/m)
    expect({ code: await engine.end(), said: engine.complaints() }).toMatchObject({ code: 0 })

    const decisions = await decisionsOn(dataDir)
    expect(decisions).toHaveLength(170)
    expect(new Set(decisions.map(({ body }) => body.applicationId)).size).toBe(170)
    const sets = await setsOf()
    expect(sets.get('tw-00001')).toBe(FORMER)
    expect(sets.get('tw-00170')).toBe(LATER)
    const ids = [FORMER, LATER].flatMap((hash) =>
      decisions
        .filter(({ body }) => body.featureSetHash === hash)
        .slice(-5)
        .map(({ body }) => `${body.partition}-${body.offset}`),
    )
    expect((await cli('replay', '--json', ...ids)).match(/"result":"same"/g)).toHaveLength(ids.length)
    expect(await cli('verify-chain')).toMatch(/^170 decisions in 12 partitions: every hash/)
    const said = await cli('features', 'certificates')
    expect(said).toMatch(/credit-v1 → credit-linked-v1/)
    expect(said).toMatch(/differences 0\n {2}in force {4}from .*, at offsets 0-\d+ 1-\d+/)
  },
)

test(
  'rolled back while no engine runs, the set in force decides until the other’s states have caught up',
  { timeout: 120_000 },
  async () => {
    await cli('models', 'rollback', '--why', 'back')
    engine = await startEngine(dataDir, { environment })
    await until(() => cutOvers() === 2)
    await send(170, 180)
    await engine.end()
    const sets = await setsOf()
    expect(sets.size).toBe(180)
    expect(sets.get('tw-00180')).toBe(FORMER)
    expect(readInForce(dataDir)).toMatchObject({ featureSetHash: FORMER })
  },
)

test('states of the set in force are not dropped, those of the other are', async () => {
  expect(await scorestream(['features', 'drop-state', 'credit-v1'], environment)).toMatchObject({
    code: 65,
    stderr: expect.stringContaining('credit-v1 is in force'),
  })
  expect(await cli('features', 'drop-state', 'credit-linked-v1')).toMatch(/dropped .*-linked/)
  expect(await cli('features', 'drop-state', 'credit-linked-v1')).toContain('holds no states of credit-linked-v1')
})
