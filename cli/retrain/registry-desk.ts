/**
 * Work on the registry beside a serving engine: hashing bundles, flushing files, parsing manifests, laying out tables. One thread does it, one task at
 * a time and in order. A thread costs more to start than its task (modules are read and compiled anew: some 150 ms of CPU), so one is started when
 * a training begins, practises meanwhile, and does everything up to the exchange.
 */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { Worker } from 'node:worker_threads'
import type { LoadOrder } from '#scoring/load-apart.ts'
import type { RegistryAnswer, RegistryRequest, RegistryResults, RegistryTask } from './registry-task.ts'

/** A thread that nobody holds ends after this: an exchange is followed by the facts of it. */
const IDLE_MS = 5_000

interface Waiting {
  readonly resolve: (result: RegistryResults[RegistryTask['kind']]) => void
  readonly reject: (reason: unknown) => void
}

interface Desk {
  readonly worker: Worker
  readonly waiting: Map<number, Waiting>
}

let desk: Desk | undefined
let holders = 0
let sequence = 0
let timer: NodeJS.Timeout | undefined

const leave = (left: Desk): void => {
  if (desk === left) desk = undefined
}

const open = (): Desk => {
  const worker = new Worker(new URL('registry-thread.ts', import.meta.url))
  const opened: Desk = { worker, waiting: new Map() }
  const failAll = (reason: unknown): void => {
    leave(opened)
    for (const { reject } of opened.waiting.values()) reject(reason)
    opened.waiting.clear()
  }
  worker.on('message', (answer: RegistryAnswer) => {
    const asked = opened.waiting.get(answer.id)
    opened.waiting.delete(answer.id)
    rest()
    if (answer.kind === 'done') asked?.resolve(answer.result)
    else asked?.reject(answer.error)
  })
  worker.once('error', failAll)
  worker.once('exit', (code) => failAll(new Error(`the registry’s thread ended (${code}) without an answer`)))
  return opened
}

/** Nothing under way: the thread keeps no process alive, and ends after a while where nobody holds it. */
const rest = (): void => {
  if (desk === undefined || desk.waiting.size > 0) return
  desk.worker.unref()
  clearTimeout(timer)
  if (holders > 0) return
  const resting = desk
  timer = setTimeout(() => {
    if (holders > 0 || resting.waiting.size > 0) return
    leave(resting)
    resting.worker.postMessage(undefined)
  }, IDLE_MS).unref()
}

/** Rejects as the task throws. */
export const doRegistryTask = <Task extends RegistryTask>(task: Task): Promise<RegistryResults[Task['kind']]> =>
  new Promise((resolve, reject) => {
    const id = sequence++
    desk ??= open()
    desk.waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
    desk.worker.ref()
    desk.worker.postMessage({ id, task } satisfies RegistryRequest)
  })

/**
 * Has the thread at hand until the returned function is called, practised on the bundle of `order`. Where practising fails, the task that comes
 * after will say why.
 */
export const holdRegistryDesk = (order: LoadOrder): (() => void) => {
  holders++
  let held = true
  doRegistryTask({ kind: 'practise', order }).catch(() => {})
  return () => {
    if (!held) return
    held = false
    holders--
    rest()
  }
}
