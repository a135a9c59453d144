import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { DemoStream } from '#streams/demo/demo-stream.ts'
import { agreeOnFormat } from '#streams/embedded/data-directory.ts'
import { loadConfig } from '../../cli/config.ts'
import { startDemoReplay } from '../../cli/demo-replay.ts'
import { EvolveDemo } from '../../cli/evolve-demo/evolve-demo.ts'
import { readCertificates } from '../../cli/evolution/certificate-files.ts'
import { openHost } from '../../cli/host.ts'
import { createLogger } from '../../cli/logger.ts'
import { scorestream } from '../cli/command-line.ts'
import { lightGbmPath } from '../training/native-library.ts'
import { demoEvents, publishBundle } from './publish-bundle.ts'

const PROJECT = join(import.meta.dirname, '../..')
const root = mkdtempSync(join(tmpdir(), 'scorestream-demo-evolve-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Few enough that folding them takes seconds, at a rate at which they apply for minutes. */
const someClients = (): DemoStream => {
  const events = demoEvents(0, 6_000)
  return {
    count: events.length,
    firstApplication: events.findIndex(({ kind }) => kind === 'application'),
    event: (index) => events[index]!,
    *events(from = 0) {
      yield* events.slice(from)
    },
    *protectedEvents() {},
  }
}
const leftIn = (temporary: string): readonly string[] => readdirSync(temporary).filter((name) => name.startsWith('scorestream-'))

/** The settings of whoever runs the tests do not reach it. */
const settings = { SCORESTREAM_PORT: '0', SCORESTREAM_SQL_PORT: '0', SCORESTREAM_WAREHOUSE_KIND: 'off' }

test('the set changes and changes back under load, and the demo tells of certificate and pause', { timeout: 240_000 }, async () => {
  const dataDir = join(root, 'course')
  const modelsDir = join(dataDir, 'models')
  const config = loadConfig({ file: undefined, environment: settings, overrides: { dataDir } })
  mkdirSync(dataDir)
  agreeOnFormat(dataDir, { partitions: config.log.partitions })
  cpSync(join(PROJECT, 'models'), modelsDir, { recursive: true })
  const host = await openHost({ ...config, models: { dir: modelsDir, champion: 'credit@champion' } }, createLogger('error'))
  const said: string[] = []
  const demo = new EvolveDemo({
    host,
    dataDir,
    modelsDir,
    bundle: 'credit',
    sets: { from: 'credit-v1', to: 'credit-linked-v1' },
    load: () =>
      startDemoReplay({
        stream: someClients(),
        ingest: host.ingest,
        dataDir,
        pace: { kind: 'rate', perSecond: 300 },
        now: () => performance.now(),
        onSent: () => {},
      }),
    train: () => publishBundle('credit-linked-v1', modelsDir),
    chapterDecisions: 100,
    secondsMax: 200,
    now: () => Date.now(),
    write: (text) => said.push(text),
  })
  try {
    await demo.run()
  } finally {
    demo.stop()
    await host.close()
  }
  expect(readCertificates(dataDir).map(({ differences, cutOver }) => ({ differences, inForce: cutOver !== null }))).toEqual([
    { differences: 0, inForce: true },
    { differences: 0, inForce: true },
  ])
  const summary = said.at(-1)!
  expect(summary).toMatch(/^credit-v1 → credit-linked-v1: in force [\d.]+ s after the promotion\n {2}the pause: \d+ ms without a decision/m)
  expect(summary).toMatch(/^credit-linked-v1 → credit-v1: in force [\d.]+ s after the roll-back\n {2}the pause: \d+ ms without a decision/m)
  expect(summary).toContain(`features certificates --data-dir ${dataDir}`)
})

describe('of the command,', () => {
  test('a missing library is told before anything begins', async () => {
    const temporary = mkdtempSync(join(root, 'tmp-'))
    const { code, stdout, stderr } = await scorestream(['demo-evolve'], {
      TMPDIR: temporary,
      SCORESTREAM_LIGHTGBM_LIB: join(root, 'nowhere.so'),
    })
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toContain('npm run setup:lightgbm')
    expect(leftIn(temporary)).toEqual([])
  })

  describe.skipIf(lightGbmPath === null)('with a library,', () => {
    test('the time limit ends it with a reason, and nothing stays behind', async () => {
      const temporary = mkdtempSync(join(root, 'tmp-'))
      const { code, stderr } = await scorestream(['demo-evolve', '--limit', '1'], {
        ...settings,
        SCORESTREAM_LIGHTGBM_LIB: lightGbmPath!,
        TMPDIR: temporary,
      })
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('the demo failed: 1 s were over before the bundle is trained'),
      })
      expect(leftIn(temporary)).toEqual([])
    })

    test('Ctrl-C ends training and engine, and nothing stays behind', async () => {
      const temporary = mkdtempSync(join(root, 'tmp-'))
      const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SCORESTREAM_'))
      const child = spawn(process.execPath, [join(PROJECT, 'cli/scorestream.js'), 'demo-evolve'], {
        env: { ...Object.fromEntries(inherited), ...settings, SCORESTREAM_LIGHTGBM_LIB: lightGbmPath!, TMPDIR: temporary },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const ended = once(child, 'close') as Promise<[number | null]>
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('a small bundle is trained')) child.kill('SIGINT')
      })
      expect({ code: (await ended)[0], stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('the demo failed: stopped before the bundle is trained'),
      })
      expect(leftIn(temporary)).toEqual([])
    })
  })
})
