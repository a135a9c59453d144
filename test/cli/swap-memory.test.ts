import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { publish } from '#registry/publish.ts'
import { readManifest, resolve } from '#registry/resolve.ts'

const MEBI = 1024 * 1024
const MODELS = join(import.meta.dirname, '../../models')
const folder = mkdtempSync(join(tmpdir(), 'scorestream-swap-'))
afterAll(() => rmSync(folder, { recursive: true }))

test(
  'fifty exchanges of real bundles leave no model behind: kernels, tables and ONNX sessions go with it',
  { timeout: 300_000 },
  async () => {
    cpSync(MODELS, folder, { recursive: true })
    const { directory } = resolve(folder, 'credit@champion')
    const { version: parent, files, format: _, ...rest } = readManifest(directory).manifest
    const other = publish(folder, {
      manifest: { ...rest, parent },
      files: new Map(Object.keys(files).map((file) => [file, readFileSync(join(directory, file))])),
    })
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      join(import.meta.dirname, 'swap-child.ts'),
      join(MODELS, 'policy.yaml'),
      directory,
      other.directory,
    ])
    const memory = JSON.parse(stdout) as number[]
    // The first ten fill caches and pools. A model that stayed would add its tables, some 10 MiB a time: 400 MiB over the other forty.
    expect(
      memory.at(-1)! - memory[0]!,
      `resident MiB after each ten: ${memory.map((bytes) => Math.round(bytes / MEBI)).join(', ')}`,
    ).toBeLessThan(40 * MEBI)
  },
)
