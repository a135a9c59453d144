import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { moveAlias, readHistory } from '#registry/alias-file.ts'
import { listModels } from '#registry/list.ts'
import { parseReference } from '#registry/model-reference.ts'
import { promote, rollBack } from '#registry/promote.ts'
import { type Attribution, readPromotions } from '#registry/promotion-ledger.ts'
import { type BundleDraft, publish } from '#registry/publish.ts'
import { RegistryError } from '#registry/registry-error.ts'
import { resolve } from '#registry/resolve.ts'

const WHO: Attribution = { actor: 'a person', reason: 'a test', at: 1_700_000_000_000, requestId: null }
let models = ''
beforeEach(() => (models = mkdtempSync(join(tmpdir(), 'scorestream-registry-'))))
afterEach(() => rmSync(models, { recursive: true }))

/** As much of a manifest as the registry looks at. */
const draft = (content: string): BundleDraft => ({
  manifest: {
    name: 'credit',
    parent: null,
    featureSetHash: 'f'.repeat(64),
    features: ['a'],
    members: [],
    calibration: { kind: 'platt', slope: 1, intercept: 0 },
  } as unknown as BundleDraft['manifest'],
  files: new Map([['trees.onnx', new TextEncoder().encode(content)]]),
})
const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof RegistryError) return error.code
    throw error
  }
  return 'none'
}

describe('publishing', () => {
  test('names the version after the content: same content, same version and bytes', () => {
    const first = publish(models, draft('one'))
    const again = publish(models, draft('one'))
    expect(again.version).toBe(first.version)
    expect([first.created, again.created]).toEqual([true, false])
    expect(publish(models, draft('two')).version).not.toBe(first.version)
    expect(first.version).toMatch(/^[0-9a-f]{12}$/)
  })
  test('a folder of that version with other content is refused, never overwritten', () => {
    const { directory } = publish(models, draft('one'))
    appendFileSync(join(directory, 'manifest.json'), ' ')
    expect(codeOf(() => publish(models, draft('one')))).toBe('version-exists')
  })
  test('companions lie beside the bundle and do not move its version', () => {
    const companions = () => new Map([['CARD.md', 'measured just now']])
    const { directory, version, manifest } = publish(models, { ...draft('one'), companions })
    expect(readFileSync(join(directory, 'CARD.md'), 'utf8')).toBe('measured just now')
    expect(Object.keys(manifest.files)).toEqual(['trees.onnx'])
    expect(publish(models, draft('one')).version).toBe(version)
  })
  test('a half-written bundle is never listed or resolved', () => {
    const { version } = publish(models, draft('one'))
    const partial = join(models, 'credit', '.publishing-1')
    mkdirSync(partial)
    writeFileSync(join(partial, 'manifest.json'), '{}')
    expect(listModels(models).map((model) => model.version)).toEqual([version])
  })
})

describe('resolving', () => {
  test('finds a bundle by version and by alias, and hashes its manifest', () => {
    const { version } = publish(models, draft('one'))
    promote(models, 'credit', version, 'champion', WHO)
    expect(resolve(models, 'credit@champion')).toEqual(resolve(models, `credit@${version}`))
    expect(resolve(models, 'credit').version).toBe(version)
    expect(resolve(models, 'credit').bundleHash).toMatch(/^[0-9a-f]{64}$/)
  })
  test('one changed byte of a file is refused, naming file and both hashes', () => {
    const { version, directory } = publish(models, draft('one'))
    writeFileSync(join(directory, 'trees.onnx'), 'onf')
    expect(() => resolve(models, `credit@${version}`)).toThrow(/trees\.onnx is not the file that was published: SHA-256 [0-9a-f]{64}/)
    expect(codeOf(() => promote(models, 'credit', version, 'champion', WHO))).toBe('wrong-hash')
    expect(existsSync(join(models, 'credit', 'champion'))).toBe(false)
  })
  test('what is missing or malformed has a code and a remedy', () => {
    const { version, directory } = publish(models, draft('one'))
    expect(codeOf(() => resolve(models, 'mortgage'))).toBe('unknown-model')
    expect(codeOf(() => resolve(models, 'credit@challenger'))).toBe('unknown-alias')
    expect(codeOf(() => resolve(models, 'credit@000000000000'))).toBe('unknown-version')
    rmSync(join(directory, 'trees.onnx'))
    expect(codeOf(() => resolve(models, `credit@${version}`))).toBe('missing-file')
    writeFileSync(join(directory, 'manifest.json'), '{"format": 1')
    expect(() => resolve(models, `credit@${version}`)).toThrow(/manifest\.json: not JSON; publish the bundle again or restore the file/)
    writeFileSync(join(directory, 'manifest.json'), '{"format": 2}')
    expect(() => resolve(models, `credit@${version}`)).toThrow('format 2, this release reads format 1')
  })
  test('an alias that names an absent version says which', () => {
    publish(models, draft('one'))
    moveAlias(join(models, 'credit'), 'champion', '000000000000', [])
    expect(() => resolve(models, 'credit@champion')).toThrow('names "000000000000", which is not there')
  })
  test.each(['../credit', 'credit/..', 'credit@../x', 'a@b@c', '', 'credit@..', 'C@champion'])('%j never becomes a path', (reference) => {
    expect(codeOf(() => parseReference(reference))).toBe('malformed-reference')
  })
})

describe('aliases', () => {
  const three = (): [string, string, string] => [
    publish(models, draft('one')).version,
    publish(models, draft('two')).version,
    publish(models, draft('three')).version,
  ]
  const champion = (): string => resolve(models, 'credit@champion').version

  test('promotion says what moved, and repeating it changes nothing', () => {
    const [one, two] = three()
    expect(promote(models, 'credit', one, 'champion', WHO)).toEqual({ alias: 'champion', from: null, to: one })
    expect(promote(models, 'credit', two, 'champion', WHO)).toEqual({ alias: 'champion', from: one, to: two })
    expect(promote(models, 'credit', two, 'champion', WHO)).toEqual({ alias: 'champion', from: two, to: two })
    expect(readHistory(join(models, 'credit'), 'champion')).toEqual([one])
  })
  test('rolling back retraces the promotions, one at a time, to the first', () => {
    const [one, two, three_] = three()
    for (const version of [one, two, three_]) promote(models, 'credit', version, 'champion', WHO)
    rollBack(models, 'credit', 'champion', WHO)
    expect(champion()).toBe(two)
    rollBack(models, 'credit', 'champion', WHO)
    expect(champion()).toBe(one)
    expect(codeOf(() => rollBack(models, 'credit', 'champion', WHO))).toBe('nothing-to-roll-back')
  })
  test('a crash between writing history and alias leaves the old version in place and rolling back correct', () => {
    const [one, two] = three()
    promote(models, 'credit', one, 'champion', WHO)
    promote(models, 'credit', two, 'champion', WHO)
    // What a promotion of a third version would have written before it died.
    writeFileSync(join(models, 'credit', 'champion.history'), `${one}\n${two}\n`)
    expect(champion()).toBe(two)
    expect(rollBack(models, 'credit', 'champion', WHO).to).toBe(one)
  })
  test('rolling back to a corrupt bundle is refused and moves nothing', () => {
    const [one, two] = three()
    promote(models, 'credit', one, 'champion', WHO)
    promote(models, 'credit', two, 'champion', WHO)
    writeFileSync(join(models, 'credit', one, 'trees.onnx'), 'x')
    expect(codeOf(() => rollBack(models, 'credit', 'champion', WHO))).toBe('wrong-hash')
    expect(champion()).toBe(two)
  })
  test('every move is recorded with who, when and why, and what changed nothing is not', () => {
    const [one, two] = three()
    promote(models, 'credit', one, 'champion', WHO)
    promote(models, 'credit', two, 'champion', { ...WHO, actor: 'gate', requestId: 'retrain:1' })
    promote(models, 'credit', two, 'champion', WHO)
    rollBack(models, 'credit', 'champion', { ...WHO, reason: 'approvals fell' })
    const base = { ...WHO, name: 'credit', alias: 'champion' }
    expect(readPromotions(models, 'credit')).toEqual([
      { ...base, version: one, previousVersion: null },
      { ...base, version: two, previousVersion: one, actor: 'gate', requestId: 'retrain:1' },
      { ...base, version: one, previousVersion: two, reason: 'approvals fell' },
    ])
  })
  test('a line of the ledger that a crash cut short is left out, and a damaged one is named', () => {
    const [one] = three()
    promote(models, 'credit', one, 'champion', WHO)
    const path = join(models, 'credit', 'promotions.jsonl')
    appendFileSync(path, '{"name":"cre')
    expect(readPromotions(models, 'credit')).toHaveLength(1)
    appendFileSync(path, 'dit\n')
    expect(() => readPromotions(models, 'credit')).toThrow(/promotions\.jsonl, line 2: not JSON/)
  })
  test('a word that is no alias is refused, naming those that are', () => {
    const [one] = three()
    expect(() => promote(models, 'credit', one, '../champion' as 'champion', WHO)).toThrow('use one of champion, challenger, fallback')
    expect(existsSync(join(models, 'champion'))).toBe(false)
  })
  test('aliases are one line and leave no temporary files', () => {
    const [one] = three()
    promote(models, 'credit', one, 'champion', WHO)
    expect(readFileSync(join(models, 'credit', 'champion'), 'utf8')).toBe(`${one}\n`)
    expect(readdirSync(join(models, 'credit')).filter((name) => name.includes('tmp'))).toEqual([])
    expect(listModels(models).find((model) => model.version === one)?.aliases).toEqual(['champion'])
  })
})
