import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openVault } from '#streams/embedded/vault.ts'
import type { ProtectedAttributes, Vault } from '#streams/ports.ts'

let folder: string
let vault: Vault
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vault-'))
  vault = openVault(folder)
})
afterEach(async () => {
  await vault.close()
  rmSync(folder, { recursive: true })
})

const entry = (subject: string, eventId: string, sex = 'female'): ProtectedAttributes => ({
  subject,
  producer: 'bureau',
  eventId,
  attributes: { sex },
  bytes: Buffer.from(JSON.stringify({ subject, eventId, sex })),
})
const rows = (): (readonly [string, string | undefined])[] =>
  vault.read(0, 10_000).map(({ subject, attributes }) => [subject, attributes?.['sex']] as const)

it('what comes together is told apart as if it had come one by one, and is there after reopening', async () => {
  const [first, second] = [entry('a', '1'), entry('a', '2', 'male')]
  const outcomes = await Promise.all([first, second, first, entry('a', '1', 'male'), entry('b', '1')].map((one) => vault.put(one)))
  expect(outcomes).toEqual(['accepted', 'accepted', 'duplicate', 'conflict', 'accepted'])
  await vault.close()
  vault = openVault(folder)
  expect(rows()).toEqual([
    ['a', 'female'],
    ['a', 'male'],
    ['b', 'female'],
  ])
  expect(await vault.put(first)).toBe('duplicate')
})

it('more than a transaction holds is kept, in the order of its coming', async () => {
  const all = Array.from({ length: 1_000 }, (_, i) => entry(`s${i % 300}`, `e${i}`))
  expect(new Set(await Promise.all(all.map((one) => vault.put(one))))).toEqual(new Set(['accepted']))
  expect(rows().map(([subject]) => subject)).toEqual(all.map(({ subject }) => subject))
})

it('an erasure takes what was put before it and nothing of what is put after it', async () => {
  const done = [
    vault.put(entry('a', '1')),
    vault.put(entry('b', '1')),
    vault.put(entry('a', '2')),
    vault.erase('a'),
    vault.put(entry('a', '3')),
    vault.put(entry('b', '2')),
  ]
  await Promise.all(done)
  expect(rows().filter(([, sex]) => sex !== undefined)).toEqual([
    ['b', 'female'],
    ['a', 'female'],
    ['b', 'female'],
  ])
  // Its key went with it: what was known of its events is unknown again.
  expect(await vault.put(entry('a', '1'))).toBe('accepted')
})
