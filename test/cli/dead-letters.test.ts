/** Refused events from the reason to the second chance, through the command line, with an engine and without. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeEvent } from '#schemas/wire.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { scorestream } from './command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'scorestream-dead-letters-'))
const dataDir = join(folder, 'data')
const journal = join(dataDir, 'dead-letters-journal.ndjson')
let engine: EngineProcess
beforeAll(async () => {
  engine = await startEngine(dataDir)
})
afterAll(async () => {
  await engine.kill()
  rmSync(folder, { recursive: true, force: true })
})

const application = (eventId: string, change: object = {}): object => ({
  eventId,
  kind: 'application',
  applicantId: 'tw-70001',
  eventTime: '2005-09-14T08:30:00Z',
  producer: 'desk',
  applicationId: `app-${eventId}`,
  product: 'credit-line',
  amount: 500_000,
  currency: 'TWD',
  termMonths: 0,
  purpose: 'a quiet purpose',
  channel: 'online',
  ...change,
})
const post = async (event: object | string): Promise<number> => {
  const body = typeof event === 'string' ? event : JSON.stringify(event)
  return (await fetch(`${engine.http}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status
}
const dead = (...args: string[]) => scorestream(['dead-letters', ...args], { SCORESTREAM_DATA_DIR: dataDir })

interface Listed {
  readonly matching: number
  readonly letters: readonly { id: string; code: string; state: string; producer: string | null; eventId: string | null }[]
}
const listed = async (...filter: string[]): Promise<Listed> => JSON.parse((await dead('list', '--json', ...filter)).stdout) as Listed
/** Id of the one letter of this event. */
const idOf = async (eventId: string): Promise<string> => {
  const found = (await listed()).letters.filter((one) => one.eventId === eventId)
  expect(found).toHaveLength(1)
  return found[0]?.id ?? ''
}

/** How often events of this id stand in the input log. */
const inLog = async (eventId: string): Promise<number> => {
  const log = openReadOnly({ folder: join(dataDir, 'log'), partitions: topicPartitions(12), topics: ['credit-events'] })
  let count = 0
  for (let partition = 0; partition < 12; partition++)
    for (const { value } of await log.read('credit-events', partition, 0, 1e7)) {
      const event = decodeEvent(value)
      if (event.kind === 'accepted' && event.value.eventId === eventId) count++
    }
  await log.close()
  return count
}

describe('a refused event', () => {
  test('is listed with its reason, and found by code, producer, age and state', async () => {
    expect(await post(application('l-1', { amount: -5 }))).toBe(422)
    expect(await post(application('l-2', { producer: 'other', amount: 'much' }))).toBe(422)
    expect(await post('{"kind":')).toBe(400)
    const { code, stdout, stderr } = await dead('list')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^id +received +code +state +producer +from +reason$/m)
    expect(stdout).toMatch(/schema-violation +open +desk +http +the application breaks its schema in one place/)
    expect((await listed()).matching).toBe(3)
    expect((await listed('--code', 'malformed-json')).letters).toMatchObject([{ code: 'malformed-json', producer: null }])
    expect((await listed('--producer', 'other')).letters).toMatchObject([{ eventId: 'l-2' }])
    expect((await listed('--since', '1h')).matching).toBe(3)
    expect((await listed('--since', '2999-01-01T00:00:00Z')).matching).toBe(0)
    expect((await listed('--state', 'mended')).matching).toBe(0)
    expect(await listed('--limit', '1')).toMatchObject({ matching: 3, letters: [{ code: 'malformed-json' }] })
  })

  test('is shown with its position and fault, personal values hidden by their class, and as it was on demand', async () => {
    const sent = application('s-1', { amount: -123_456, incomeMonthly: 77_777, strange: 'who knows' })
    expect(await post(sent)).toBe(422)
    const id = await idOf('s-1')
    const { code, stdout } = await dead('show', id)
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^dead letter ${id}: schema-violation, open$`, 'm'))
    expect(stdout).toMatch(/\/amount is ••• \(number\): expected an integer from 0/)
    expect(stdout).toMatch(/"applicantId": "tw-70001"/)
    expect(stdout).toMatch(/"channel": "online"/)
    for (const secret of ['123456', '77777', 'quiet purpose', 'who knows']) expect(stdout).not.toContain(secret)
    const json = JSON.parse((await dead('show', id, '--json')).stdout) as Record<string, unknown>
    expect(json).toMatchObject({
      id,
      code: 'schema-violation',
      state: 'open',
      source: 'http',
      event: { purpose: '••• (string)' },
      history: [],
    })
    expect((await dead('show', id, '--raw')).stdout).toBe(JSON.stringify(sent))
  })

  test('is mended step by step: a draft says what is still wrong, a dry run keeps nothing, and the original stays', async () => {
    const sent = application('m-1', { amount: -5, termMonths: undefined, chanel: 'online' })
    expect(await post(sent)).toBe(422)
    const id = await idOf('m-1')
    const dry = await dead('mend', id, '--set', '/amount=5', '--dry-run')
    expect(dry.code).toBe(1)
    expect((await listed('--state', 'draft')).matching).toBe(0)
    const first = await dead('mend', id, '--set', '/amount=600000', '--unset', '/chanel')
    expect(first).toMatchObject({ code: 1, stderr: '' })
    expect(first.stdout).toMatch(/is still wrong; kept as a draft: .*one place\n {2}\/termMonths is absent.*send termMonths/)
    expect((await listed('--state', 'draft')).letters).toMatchObject([{ id }])
    expect(await dead('replay', id)).toMatchObject({ code: 1, stdout: expect.stringMatching(/still wrong/) })
    const second = await dead('mend', id, '--set', '/termMonths=0', '--json')
    expect(JSON.parse(second.stdout)).toMatchObject({ id, sound: true, kept: true, event: { amount: '••• (number)' } })
    expect(second.code).toBe(0)
    expect((await dead('show', id, '--raw')).stdout).toBe(JSON.stringify(sent))
    expect(statSync(journal).mode & 0o777).toBe(0o600)
  })

  test('is replayed once through the running engine, with who, when and where on record', async () => {
    const id = (await listed('--state', 'mended')).letters[0]?.id ?? ''
    const dry = await dead('replay', '--all-mended', '--dry-run')
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/would be sent/) })
    const { code, stdout } = await dead('replay', '--all-mended')
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^${id} +accepted +m-1 +at \\d+-\\d+$`, 'm'))
    const shown = JSON.parse((await dead('show', id, '--json')).stdout) as { history: object[] }
    expect(shown.history.at(-1)).toMatchObject({
      kind: 'replayed',
      via: 'http',
      outcome: 'accepted',
      eventId: 'm-1',
      by: expect.stringMatching(/.@./),
      at: expect.stringMatching(/^\d{4}-/),
      position: { partition: expect.any(Number), offset: expect.any(Number) },
    })
    expect(await inLog('m-1')).toBe(1)
    expect(await dead('replay', id)).toMatchObject({ code: 0, stdout: expect.stringMatching(/replayed before/) })
    expect((await dead('mend', id, '--set', '/amount=1')).code).toBe(65)
  })

  test('has one effect even where the record of its replay was lost', async () => {
    const lines = readFileSync(journal, 'utf8').split('\n')
    const last = lines.findLastIndex((line) => line.includes('"replayed"'))
    // As a crash in the middle of writing leaves it.
    writeFileSync(journal, `${lines.slice(0, last).join('\n')}\n${lines[last]?.slice(0, 40)}`)
    const again = await dead('replay', '--all-mended')
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/duplicate +m-1/) })
    expect(await inLog('m-1')).toBe(1)
    expect(await dead('replay', '--all-mended')).toMatchObject({ code: 0, stdout: 'nothing is mended and waits\n' })
  })

  test('that contradicts an earlier one needs an id of its own', async () => {
    expect(await post(application('c-1'))).toBe(202)
    expect(await post(application('c-1', { amount: 7 }))).toBe(409)
    const id = await idOf('c-1')
    expect(await dead('replay', id)).toMatchObject({ code: 1, stdout: expect.stringMatching(/used before/) })
    const same = await dead('mend', id, '--set', '/amount=8')
    expect(same).toMatchObject({ code: 1, stdout: expect.stringMatching(/\/eventId.*id of its own/) })
    expect((await dead('mend', id, '--set', '/eventId=c-1b')).code).toBe(0)
    expect(await dead('replay', id)).toMatchObject({ code: 0, stdout: expect.stringMatching(/accepted +c-1b/) })
  })

  test('that is refused again is told so, keeps its letter, and may be mended anew', async () => {
    expect(await post(application('r-1', { eventTime: '2190-01-01T00:00:00Z' }))).toBe(422)
    const id = await idOf('r-1')
    const refused = await dead('replay', id)
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/rejected +r-1 +too-far-ahead/) })
    expect((await listed('--state', 'refused')).letters).toMatchObject([{ id }])
    expect((await dead('mend', id, '--set', '/eventTime=2005-09-14T08:30:00Z')).code).toBe(0)
    expect(await dead('replay', id)).toMatchObject({ code: 0, stdout: expect.stringMatching(/accepted/) })
  })

  test('that was no JSON is given whole, and one that may hold protected attributes is never kept', async () => {
    const [letter] = (await listed('--code', 'malformed-json')).letters
    const file = join(folder, 'whole.json')
    writeFileSync(file, JSON.stringify(application('w-1', { sex: 'f' })))
    expect(await dead('mend', letter?.id ?? '', '--file', file)).toMatchObject({
      code: 65,
      stderr: expect.stringMatching(/protected attributes/),
    })
    expect(readFileSync(journal, 'utf8')).not.toContain('"sex"')
    expect(await dead('mend', letter?.id ?? '', '--set', '/amount=1')).toMatchObject({ code: 65, stderr: expect.stringMatching(/--file/) })
    expect((await dead('mend', letter?.id ?? '', '--file', file, '--unset', '/sex')).code).toBe(0)
  })
})

test('without an engine the directory is opened for the replay and left in order', async () => {
  expect(await engine.end()).toBe(0)
  const replayed = await dead('replay', '--all-mended', '--json')
  expect({ code: replayed.code, stderr: replayed.stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(replayed.stdout)).toMatchObject({ replayed: [{ outcome: 'accepted', eventId: 'w-1' }] })
  expect(existsSync(join(dataDir, 'engine.json'))).toBe(false)
  expect(await inLog('w-1')).toBe(1)
  expect(await scorestream(['verify-chain'], { SCORESTREAM_DATA_DIR: dataDir })).toMatchObject({ code: 0 })
})

test.for([
  [['nothing'], /say what to do: list, show, mend, replay/],
  [['show'], /show takes one id/],
  [['show', '0-999999'], /there is no dead letter "0-999999"/],
  [['show', '__proto__'], /there is no dead letter/],
  [['mend', '0-0'], /say what to change/],
  [['mend', '0-0', '--set', 'amount=1'], /"amount" is no JSON pointer/],
  [['mend', '0-0', '--set', '/amount/deep=1'], /leads through "amount", which is no object/],
  [['replay'], /name the letters to replay, or --all-mended/],
  [['list', '--since', 'yesterday'], /--since takes an age/],
  [['list', '--state', 'sad'], /--state takes one of open, draft/],
] as const)('%j is answered with what was wrong', async ([args, says]) => {
  const { code, stderr } = await dead(...args)
  expect(stderr).toMatch(says)
  expect(stderr).not.toMatch(/this is a bug/)
  expect([64, 65, 66]).toContain(code)
})
