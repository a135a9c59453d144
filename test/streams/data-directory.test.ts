import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { agreeOnFormat, isDirectoryLocked, lockDirectory } from '#streams/embedded/data-directory.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'data-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

it('a second engine on the directory is refused and told which process holds it', () => {
  const release = lockDirectory(directory)
  expect(isDirectoryLocked(directory)).toBe(true)
  expect(() => lockDirectory(directory)).toThrow(
    expect.objectContaining({ code: 'directory-locked', message: expect.stringContaining(`process ${process.pid}`) as string }) as Error,
  )
  release()
  expect(isDirectoryLocked(directory)).toBe(false)
  lockDirectory(directory)()
})

it('a lock does not outlive a process that was killed', async () => {
  const source = `import { lockDirectory } from ${JSON.stringify(join(import.meta.dirname, '../../streams/embedded/data-directory.ts'))}; lockDirectory(${JSON.stringify(directory)}); console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  expect(() => lockDirectory(directory)).toThrow(new RegExp(`process ${child.pid}`))
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await ended
  lockDirectory(directory)()
})

it('a directory keeps its format; another partition count, a newer version, damage and foreign files are refused by name', () => {
  expect(agreeOnFormat(directory, { partitions: 12 })).toEqual({ partitions: 12 })
  expect(agreeOnFormat(directory, { partitions: 12 })).toEqual({ partitions: 12 })
  expect(() => agreeOnFormat(directory, { partitions: 6 })).toThrow(/created with 12 partitions, the configuration says 6/)
  writeFileSync(join(directory, 'format.json'), '{"magic":"scorestream-data","version":2,"partitions":12}')
  expect(() => agreeOnFormat(directory, { partitions: 12 })).toThrow(/format version 2, this engine reads 1/)
  writeFileSync(join(directory, 'format.json'), '{"magic":"other"}')
  expect(() => agreeOnFormat(directory, { partitions: 12 })).toThrow(/not of this engine/)
  writeFileSync(join(directory, 'format.json'), '{"mag')
  expect(() => agreeOnFormat(directory, { partitions: 12 })).toThrow(/cannot be read as JSON/)
  rmSync(join(directory, 'format.json'))
  writeFileSync(join(directory, 'holiday.jpg'), '')
  expect(() => agreeOnFormat(directory, { partitions: 12 })).toThrow(
    expect.objectContaining({ code: 'directory-foreign', message: expect.stringContaining('holiday.jpg') as string }) as Error,
  )
})
