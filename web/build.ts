/**
 * Builds the dashboard into `web/dist`, unless what lies there is of the present sources: `node web/build.ts [--optional]`.
 * The new build takes the old one's place in one step, so that nobody is ever served half of one. With `--optional` (at `npm install`) a
 * failure is told and ends with 0: the engine works without pages and builds them when it starts.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { buildState, DIGEST_FILE, DIST, sourceDigest } from './source-digest.ts'

const buildAnew = async (): Promise<void> => {
  const digest = sourceDigest()
  const folder = mkdtempSync(join(import.meta.dirname, '.building-'))
  const replaced = `${folder}-replaced`
  try {
    await build({
      root: import.meta.dirname,
      configFile: join(import.meta.dirname, 'vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: folder },
    })
    // mkdtemp keeps others out; the engine may run as another user than the installer.
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, DIGEST_FILE), `${digest}\n`)
    try {
      renameSync(DIST, replaced)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    renameSync(folder, DIST)
  } finally {
    for (const left of [folder, replaced]) rmSync(left, { recursive: true, force: true })
  }
}

const main = async (): Promise<void> => {
  if (buildState() === 'current') return
  const startedAt = performance.now()
  await buildAnew()
  process.stdout.write(`dashboard built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`the dashboard could not be built: ${error instanceof Error ? error.message : String(error)}\n`)
  if (!process.argv.includes('--optional')) process.exitCode = 1
}
