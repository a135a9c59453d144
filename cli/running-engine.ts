/** How commands find the engine that owns a data directory: it leaves its addresses in `engine.json` while it runs. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface RunningEngine {
  readonly pid: number
  readonly http: string
  /** Null where no warehouse runs. */
  readonly sql: string | null
  readonly modelsDir: string
  readonly policyFile: string
}

const pathIn = (dataDir: string): string => join(dataDir, 'engine.json')

export const announceEngine = (dataDir: string, engine: RunningEngine): void => {
  const path = pathIn(dataDir)
  writeFileSync(`${path}.new`, `${JSON.stringify(engine, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

export const withdrawEngine = (dataDir: string): void => rmSync(pathIn(dataDir), { force: true })

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The engine that runs on this directory, or undefined. A file left by a killed engine is not believed. */
export const findEngine = (dataDir: string): RunningEngine | undefined => {
  try {
    const engine = JSON.parse(readFileSync(pathIn(dataDir), 'utf8')) as RunningEngine
    return alive(engine.pid) ? engine : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
