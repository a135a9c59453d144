/** What every decision should be: an engine that nobody disturbs, on a copy of the same input log. */
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Audit, audit } from './audit.ts'
import { startEngine } from './engine-process.ts'

export const undisturbed = async (dataDir: string, reference: string): Promise<Audit> => {
  mkdirSync(join(reference, 'log'), { recursive: true })
  cpSync(join(dataDir, 'format.json'), join(reference, 'format.json'))
  cpSync(join(dataDir, 'log', 'credit-events'), join(reference, 'log', 'credit-events'), {
    recursive: true,
    filter: (path) => !path.includes('consumers'),
  })
  const engine = await startEngine(reference)
  const code = await engine.end()
  if (code !== 0) throw new Error(`the undisturbed engine ended with ${code}: ${engine.complaints()}`)
  return await audit(reference, new Map())
}

/** Positions where one run decided otherwise than the other, or not at all. */
export const contradictions = (run: Audit, reference: Audit): string[] => {
  const findings: string[] = []
  for (const [position, hash] of reference.hashes)
    if (run.hashes.get(position) !== hash)
      findings.push(`position ${position} holds ${run.hashes.get(position) ?? 'nothing'}, an undisturbed run decides ${hash}`)
  for (const position of run.hashes.keys())
    if (!reference.hashes.has(position)) findings.push(`position ${position} is decided, an undisturbed run decides nothing there`)
  return findings
}
