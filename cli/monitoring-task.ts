/** What the warehouse process is told about monitoring, and how it reaches the log, to which only its parent appends. */
import type { MonitoringSettings } from '#monitoring/settings.ts'
import type { Config } from './config.ts'
import type { Publish } from './monitoring.ts'
import type { PublishedMessage, WarehouseMessage } from './warehouse-supervisor.ts'

export interface MonitoringTask {
  readonly settings: MonitoringSettings
  readonly modelsDir: string
}

/** Arguments of the warehouse process; none where nothing is watched. */
export const monitoringArguments = ({ monitoring, models }: Config): string[] => {
  const task: MonitoringTask = { settings: monitoring, modelsDir: models.dir }
  return monitoring.enabled ? ['--monitoring', JSON.stringify(task)] : []
}

export const publishThroughParent = (): Publish => {
  const waiting = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>()
  let sequence = 0
  process.on('message', (message: PublishedMessage) => {
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === null) asked?.resolve()
    else asked?.reject(new Error(message.error))
  })
  const goneError = (): Error => new Error('the engine is gone; what was found is published after the next start')
  // Killed, it answers nothing any more: whoever waited for it would keep this process alive.
  process.once('disconnect', () => {
    for (const { reject } of waiting.values()) reject(goneError())
    waiting.clear()
  })
  return (topic, records) =>
    new Promise<void>((resolve, reject) => {
      const id = sequence++
      waiting.set(id, { resolve, reject })
      const message: WarehouseMessage = {
        kind: 'publish',
        id,
        topic,
        base64: records.map((bytes) => Buffer.from(bytes).toString('base64')),
      }
      const gone = (): void => {
        waiting.delete(id)
        reject(goneError())
      }
      if (!process.connected || process.send === undefined) gone()
      else process.send(message, undefined, undefined, (error) => error && gone())
    })
}
