import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOMS, forbiddenImports } from './imports.ts'

const root = join(import.meta.dirname, '../..')

test('every room imports only the rooms it may', () => {
  const { files, imports, crossings } = forbiddenImports(root)
  expect(files).toBeGreaterThan(20)
  expect(imports).toBeGreaterThan(40)
  expect(crossings).toEqual([])
})

test('a planted forbidden import is found, whichever way it is written', () => {
  const house = mkdtempSync(join(tmpdir(), 'scorestream-imports-'))
  try {
    for (const room of Object.keys(ROOMS)) mkdirSync(join(house, room))
    writeFileSync(join(house, 'features/a.ts'), `import { x } from '#streams/ports.ts'\nexport const y = x\n`)
    writeFileSync(join(house, 'features/b.ts'), `export * from '../scoring/c.ts'\n`)
    writeFileSync(join(house, 'scoring/c.ts'), `export const c = () => import('#streams/ports.ts')\n`)
    writeFileSync(join(house, 'schemas/d.ts'), `import type { Z } from '#schemas/e.ts'\nexport type W = Z\n`)
    writeFileSync(join(house, 'schemas/e.ts'), `export type Z = 1\n`)
    const { crossings } = forbiddenImports(house)
    expect(crossings.map((one) => one.file).toSorted()).toEqual(['features/a.ts', 'features/b.ts', 'schemas/d.ts', 'scoring/c.ts'])
  } finally {
    rmSync(house, { recursive: true })
  }
})
