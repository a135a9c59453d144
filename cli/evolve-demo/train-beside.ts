/** `scorestream train --quick` in a process of its own, behind the engine: the demo's bundle of another feature set. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { CommandError, EXIT } from '../exit.ts'
import { PROJECT_ROOT } from '../project.ts'
import type { LearnerName } from '../retrain/open-learner.ts'

/** The kernel gives it what the engine leaves. */
const NICENESS = 15
/** Of what a failed training said, its end says why. */
const SAID_MAX = 4_000

export interface TrainingAsked {
  readonly featureSet: string
  readonly learner: LearnerName
  readonly modelsDir: string
  /** Kills the training. */
  readonly signal: AbortSignal
}

/** Resolves with the version published in `modelsDir`; no alias moves. Rejects with `training-failed` and what the training said last. */
export const trainBeside = async ({ featureSet, learner, modelsDir, signal }: TrainingAsked): Promise<string> => {
  const args = ['train', '--features', featureSet, '--quick', '--learner', learner, '--out', modelsDir, '--json']
  const child = spawn(process.execPath, [join(PROJECT_ROOT, 'cli/scorestream.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.pid !== undefined) setPriority(child.pid, NICENESS)
  const kill = (): boolean => child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  let [out, said] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-SAID_MAX)))
  const [code] = (await once(child, 'close')) as [number | null]
  signal.removeEventListener('abort', kill)
  if (code !== 0)
    throw new CommandError('training-failed', `training on ${featureSet} ended with ${code ?? 'a signal'}: ${said.trim()}`, EXIT.bug)
  return (JSON.parse(out) as { version: string }).version
}
