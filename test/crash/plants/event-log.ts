/** The embedded log, with points of death. */
import { peekDecision } from '#schemas/wire.ts'
import { openEventLog as openReal, type EmbeddedEventLog, type EmbeddedLogOptions } from '#streams/embedded/event-log.ts'
import { passing } from './death.ts'

export * from '#streams/embedded/event-log.ts'

export const openEventLog = (options: EmbeddedLogOptions): EmbeddedEventLog => {
  const log = openReal(options)
  const append = log.append.bind(log)
  log.append = async (topic, records) => {
    const offsets = await append(topic, records)
    if (topic === 'credit-events') passing('appended')
    if (topic === 'decisions' && records.some(({ value }) => peekDecision(value).kind === 'decision')) passing('published')
    return offsets
  }
  return log
}
