/** What a build was made of: a digest over every source file of the dashboard, kept beside the build. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const WEB = import.meta.dirname
/** Where the build lies. Never committed. */
export const DIST = join(WEB, 'dist')
export const DIGEST_FILE = 'source-digest.txt'

/** SHA-256 over names and bytes of what the build reads. */
export const sourceDigest = (): string => {
  const hash = createHash('sha256')
  const files = readdirSync(join(WEB, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const path of [...files.sort(), join(WEB, 'index.html'), join(WEB, 'vite.config.ts')])
    hash
      .update(`${path.slice(WEB.length)}\0`)
      .update(readFileSync(path))
      .update('\0')
  return hash.digest('hex')
}

/** `current`: the build is of these very sources; `stale`: of earlier ones. */
export const buildState = (): 'absent' | 'stale' | 'current' => {
  const file = join(DIST, DIGEST_FILE)
  if (!existsSync(file) || !existsSync(join(DIST, 'index.html'))) return 'absent'
  return readFileSync(file, 'utf8').trim() === sourceDigest() ? 'current' : 'stale'
}
