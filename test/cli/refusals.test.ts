/** Starts that must not be: each ends with one paragraph that names the cause and the remedy, and with its documented exit code. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { STATE_FORMAT } from '#streams/embedded/state-store.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { eventsOf } from '../crash/events.ts'
import { Producer } from '../crash/producer.ts'
import { type Ran, scorestream } from './command-line.ts'
import { changeByte } from './tamper.ts'

const MODELS = join(import.meta.dirname, '../../models')
const root = mkdtempSync(join(tmpdir(), 'scorestream-refusals-'))
const original = join(root, 'original')
const dataDir = join(root, 'data')
const modelsDir = join(root, 'models')
const bundle = join(modelsDir, 'credit', readFileSync(join(MODELS, 'credit/champion'), 'utf8').trim())
let engine: EngineProcess | undefined

beforeAll(async () => {
  engine = await startEngine(original)
  const producer = new Producer(eventsOf(20), { lanes: 1, lines: 10 })
  producer.pointAt(engine.http)
  await producer.run()
  await engine.end()
})
beforeEach(() => {
  rmSync(dataDir, { recursive: true, force: true })
  rmSync(modelsDir, { recursive: true, force: true })
  cpSync(original, dataDir, { recursive: true })
  cpSync(MODELS, modelsDir, { recursive: true })
})
afterAll(async () => {
  await engine?.kill()
  rmSync(root, { recursive: true, force: true })
})

const serve = (more: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  scorestream(['serve', '--log-level', 'fatal'], {
    SCORESTREAM_DATA_DIR: dataDir,
    SCORESTREAM_MODELS_DIR: modelsDir,
    SCORESTREAM_PORT: '0',
    SCORESTREAM_SQL_PORT: '0',
    ...more,
  })

/** One paragraph without a stack trace, nothing on standard output, and the exit code. */
const expectRefusal = ({ code, stdout, stderr }: Ran, exitCode: number, ...says: readonly RegExp[]): void => {
  for (const what of says) expect(stderr).toMatch(what)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(stderr).not.toMatch(/^\s+at |this is a bug/m)
  expect(stdout).toBe('')
  expect(code).toBe(exitCode)
}

test('a bundle trained on another feature set', async () => {
  const path = join(bundle, 'manifest.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace(/("featureSetHash": ")[0-9a-f]{8}/, '$1deadbeef'))
  expectRefusal(await serve(), 65, /is of feature set deadbeef/, /this release has credit-v1 \([0-9a-f]{12}\)/, /train on one of these/)
})

test('a bundle with a changed file', async () => {
  changeByte(join(bundle, 'trees.onnx'), 2_000)
  expectRefusal(await serve(), 65, /trees\.onnx is not the file that was published: SHA-256/, /restore the bundle/)
})

test('no such model', async () => {
  expectRefusal(await serve({ SCORESTREAM_MODELS_DIR: join(root, 'nowhere') }), 65, /no model "credit" in .*nowhere/, /models\.dir|train/)
})

test('a policy with an unknown field, by its line', async () => {
  const policy = join(root, 'policy.yaml')
  writeFileSync(policy, readFileSync(join(MODELS, 'policy.yaml'), 'utf8').replace('field: amount', 'field: amuont'))
  expectRefusal(await serve({ SCORESTREAM_POLICY_FILE: policy }), 78, /policy\.yaml:\d+/, /amuont/, /amount/)
})

test('a port in use', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  expectRefusal(await serve({ SCORESTREAM_PORT: String(port) }), 75, new RegExp(`port ${port} on 127.0.0.1 is in use`), /SCORESTREAM_PORT/)
  server.close()
})

test('an address that is not of this machine', async () => {
  const tokens = join(root, 'tokens')
  writeFileSync(tokens, `op operator ${'t'.repeat(32)}\n`, { mode: 0o600 })
  const more = { SCORESTREAM_HOST: '192.0.2.1', SCORESTREAM_GATEWAY_TOKENS_FILE: tokens }
  expectRefusal(await serve(more), 78, /cannot listen on 192\.0\.2\.1/, /SCORESTREAM_HOST/)
})

test('any address but loopback without tokens', async () => {
  expectRefusal(await serve({ SCORESTREAM_HOST: '0.0.0.0' }), 78, /the gateway does not start/, /token/i)
})

test('a second engine on the same directory, while the first goes on', async () => {
  engine = await startEngine(dataDir)
  expectRefusal(await serve(), 75, /is in use by process \d+/, new RegExp(`process ${engine.child.pid}`), /SCORESTREAM_DATA_DIR/)
  expect((await fetch(`${engine.http}/readyz`)).status).toBe(200)
  expect(await engine.end()).toBe(0)
})

test('a directory of someone else, which stays as it was', async () => {
  const foreign = join(root, 'foreign')
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'letters.txt'), 'dear')
  expectRefusal(await serve({ SCORESTREAM_DATA_DIR: foreign }), 65, /has no format\.json but holds letters\.txt/, /empty or new directory/)
  expect(readdirSync(foreign).filter((name) => name !== 'lock')).toEqual(['letters.txt'])
})

test('a file where the directory should be', async () => {
  const file = join(root, 'a-file')
  writeFileSync(file, '')
  expectRefusal(await serve({ SCORESTREAM_DATA_DIR: file }), 73, /a-file/, /SCORESTREAM_DATA_DIR/)
})

test('a directory with another number of partitions', async () => {
  expectRefusal(await serve({ SCORESTREAM_LOG_PARTITIONS: '6' }), 78, /12 partitions, the configuration says 6/, /Set it back to 12/)
})

test('a damaged format.json', async () => {
  writeFileSync(join(dataDir, 'format.json'), '{"magic":')
  expectRefusal(await serve(), 65, /format\.json cannot be read as JSON/, /Restore the file/)
})

test.for(['credit-events', 'decisions'])('damage in the middle of %s', async (topic) => {
  const [segment = ''] = readdirSync(join(dataDir, 'log', topic)).filter((name) => name.endsWith('.seg'))
  changeByte(join(dataDir, 'log', topic, segment), 1_000)
  expectRefusal(await serve(), 65, new RegExp(`${topic}.*is damaged at byte \\d+`), /[Rr]estore/)
})

test('a log that lost records it once had', async () => {
  rmSync(join(dataDir, 'log', 'credit-events'), { recursive: true })
  expectRefusal(await serve(), 65, /credit-events\[\d+\] ends at 0, state stands at \d+/, /Restore the log/)
})

test('a state folder that is none', async () => {
  const path = join(dataDir, 'state', `${creditFeatureSet.hash.slice(0, 12)}-${STATE_FORMAT}`)
  rmSync(path, { recursive: true })
  mkdirSync(path)
  writeFileSync(join(path, 'data.mdb'), 'no database'.repeat(1_000))
  expectRefusal(await serve(), 65, /cannot be opened as a state store/, /delete the folder, and the engine rebuilds it/)
  rmSync(path, { recursive: true })
  engine = await startEngine(dataDir)
  expect(await engine.end()).toBe(0)
})

test('a vault without its key', async () => {
  rmSync(join(dataDir, 'vault', 'master.key'))
  expectRefusal(await serve(), 65, /master\.key is missing/, /Restore it from its copy/)
})

test('a vault that is none', async () => {
  writeFileSync(join(dataDir, 'vault', 'rows', 'data.mdb'), Buffer.alloc(20_000))
  expectRefusal(await serve(), 65, /holds no LMDB database/, /Restore the vault/)
})
