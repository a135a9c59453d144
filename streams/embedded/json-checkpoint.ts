/** A small checkpoint of a consumer that keeps more than offsets: one JSON file, replaced atomically. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** What was saved last; undefined where there is nothing, or what lies there has another version: the consumer then begins anew. */
export const readCheckpoint = <Checkpoint extends { readonly version: number }>(
  path: string,
  version: Checkpoint['version'],
): Checkpoint | undefined => {
  try {
    const held = JSON.parse(readFileSync(path, 'utf8')) as Checkpoint
    return held.version === version ? held : undefined
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all. */
export const writeCheckpoint = (path: string, checkpoint: { readonly version: number }): void => {
  writeFileSync(`${path}.new`, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
