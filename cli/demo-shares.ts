/** The demo stream as a source for training: on this thread, or in shares of its applicants on several. */
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { eventsFrom } from '#training/dataset.ts'
import type { EventSource } from '#training/event-replay.ts'
import type { EventShares } from '#training/replay-shares.ts'
import { DEMO_DATA } from './project.ts'

/** @param links Whether applications name devices, employers and addresses; only on one thread. */
export const demoEvents = (links: boolean, workers: number): EventSource | EventShares =>
  workers === 1
    ? eventsFrom(demoStream(readFileSync(DEMO_DATA), { links }).events())
    : { shares: workers, start: (order) => new Worker(new URL('demo-share-thread.ts', import.meta.url), { workerData: order }) }
