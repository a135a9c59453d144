/** A helper process of the benchmark that answers one message for each message. */
import { fork } from 'node:child_process'
import { join } from 'node:path'

export interface Forked {
  /** @throws Error where the process reports one or ends without answering. */
  ask<Answer>(request: object): Promise<Answer>
  close(): void
}

interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** Starts `script` of this folder with the same Node. */
export const forked = (script: string): Forked => {
  const child = fork(join(import.meta.dirname, script), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Its garbage collector takes no more than one core from what is measured.
    execArgv: ['--v8-pool-size=1'],
  })
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>()
  let next = 0
  child.on('message', ({ id, result, error }: Reply) => {
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asked?.resolve(result as never)
    else asked?.reject(new Error(`${script}: ${error}`))
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${script} ended (${code ?? signal}) without answering`))
  })
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        child.send({ id, request })
      }),
    close: () => child.disconnect(),
  }
}
