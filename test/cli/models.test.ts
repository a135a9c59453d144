import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { publish } from '#registry/publish.ts'
import { readManifest } from '#registry/resolve.ts'
import { scorestream } from './command-line.ts'

const SHIPPED = join(import.meta.dirname, '../../models')
const folder = mkdtempSync(join(tmpdir(), 'scorestream-models-'))
afterAll(() => rmSync(folder, { recursive: true }))
let dir = ''
let shipped = ''
let other = ''
let count = 0

/** The shipped bundle and a second version of it. */
beforeEach(() => {
  dir = join(folder, String(count++))
  cpSync(SHIPPED, dir, { recursive: true })
  shipped = readFileSync(join(dir, 'credit', 'champion'), 'utf8').trim()
  const { manifest } = readManifest(join(dir, 'credit', shipped))
  const { version: _, files, format: __, ...rest } = manifest
  other = publish(dir, {
    manifest: { ...rest, parent: shipped },
    files: new Map(Object.keys(files).map((file) => [file, readFileSync(join(dir, 'credit', shipped, file))])),
  }).version
})

const models = (...args: string[]) => scorestream(['models', ...args, '--models-dir', dir])
const json = async (...args: string[]): Promise<unknown> => JSON.parse((await models(...args, '--json')).stdout)

describe('models', () => {
  test('list names every version with its aliases and figures', async () => {
    const { code, stdout } = await models('list')
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`credit@${shipped} +champion`))
    expect(stdout).toMatch(new RegExp(`credit@${other} +–.*${shipped}`))
    expect(await json('list')).toMatchObject([{ version: expect.any(String) }, { version: expect.any(String) }])
  })
  test('promote moves the champion with a reason, show tells of it, rollback takes it back', async () => {
    expect(await json('promote', other, '--why', 'reviewed by risk')).toEqual({
      name: 'credit',
      alias: 'champion',
      from: shipped,
      to: other,
      moved: true,
    })
    expect(await json('show', 'champion')).toMatchObject({
      version: other,
      promotions: [{ previousVersion: shipped, reason: 'reviewed by risk', actor: expect.stringContaining('@') }],
    })
    expect((await models('promote', `credit@${other}`)).stdout).toContain('already')
    const { stdout } = await models('rollback', '--why', 'approvals fell')
    expect(stdout).toContain(`champion of credit: ${other} → ${shipped}`)
    expect((await models('show', shipped)).stdout).toMatch(/approvals fell/)
  })
  test('another alias moves alone', async () => {
    await models('promote', other, '--alias', 'challenger')
    expect(readFileSync(join(dir, 'credit', 'challenger'), 'utf8').trim()).toBe(other)
    expect(readFileSync(join(dir, 'credit', 'champion'), 'utf8').trim()).toBe(shipped)
  })
  test.for([
    [[], 64, 'say what to do: list, show, promote, rollback'],
    [['prmote', 'x'], 64, 'did you mean "promote"?'],
    [['promote'], 64, 'name the version to promote'],
    [['promote', '000000000000'], 65, 'has no version or alias "000000000000"'],
    [['promote', 'champion', '--alias', 'chief'], 64, '--alias takes champion, challenger or fallback, got "chief"'],
    [['rollback', 'x'], 64, 'rollback takes no version'],
    [['rollback'], 65, 'has held no other version'],
  ] as const)('%j exits %i and says what is wrong', async ([args, exit, message]) => {
    const { code, stderr } = await models(...args)
    expect(stderr).toContain(message)
    expect(code).toBe(exit)
  })
})
