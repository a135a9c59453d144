/** A child process that feeds an engine from event number `from` on, killed a while after its first word; resolves with what it said was acknowledged. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

export const runChild = (
  script: string,
  folder: string,
  seed: number,
  events: number,
  from: number,
  killAfterMs: number | undefined,
): Promise<{ acknowledged: [number, string][]; done: boolean }> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, '..', script), folder, `${seed}`, `${events}`, `${from}`],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let out = ''
    let failed = ''
    let timer: NodeJS.Timeout | undefined
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (killAfterMs !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    })
    child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal !== 'SIGKILL' && code !== 0) return reject(new Error(`the engine ended by itself (${code}): ${failed}`))
      const lines = out
        .slice(0, out.lastIndexOf('\n'))
        .split('\n')
        .filter((line) => /^\d+ \w+ /.test(line))
      resolve({
        acknowledged: lines.map((line) => [Number(line.split(' ')[0]), line.slice(line.indexOf(' ') + 1)]),
        done: signal !== 'SIGKILL',
      })
    })
  })
