/** A long-lived Python process that answers one JSON line for each JSON line. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface PythonPeer {
  ask<Answer>(request: object): Promise<Answer>
  close(): void
}

/** @throws Error (from ask) where the process ends instead of answering: an absent peer fails the benchmark. */
export const pythonPeer = (python: string, script: string): PythonPeer => {
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] })
  let stderr = ''
  let failure: Error | undefined
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = []
  const fail = (error: Error): void => {
    failure = error
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)))
  child.on('error', (cause) => fail(new Error(`cannot run ${python}; name a Python with lightgbm, shap and lleaves`, { cause })))
  child.on('exit', (code) => fail(new Error(`${script} ended with code ${code}: ${stderr}`)))
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(line))
  return {
    ask: async <Answer>(request: object) => {
      if (failure) throw failure
      const line = new Promise<string>((resolve, reject) => waiting.push({ resolve, reject }))
      child.stdin.write(`${JSON.stringify(request)}\n`)
      return JSON.parse(await line) as Answer
    },
    close: () => void child.stdin.end(),
  }
}
