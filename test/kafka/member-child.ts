/** A member of a group in a process of its own, for tests that stop or kill it. Prints one line of JSON for each change. */
import { kafkaOwnership } from '#streams/kafka/ownership.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import { silentLogger } from '#streams/logger.ts'

const { settings, partitions } = JSON.parse(process.argv[2] ?? '') as { settings: KafkaSettings; partitions: number }
const say =
  (change: string) =>
  (changed: readonly number[]): Promise<void> => {
    process.stdout.write(`${JSON.stringify({ change, partitions: changed })}\n`)
    return Promise.resolve()
  }
const ownership = kafkaOwnership({
  settings,
  partitions,
  logger: silentLogger,
  onFailed: (failure) => {
    process.stderr.write(`${failure.message}\n`)
    process.exitCode = 1
  },
})
process.on('SIGTERM', () => void ownership.leave())
await ownership.join({ assigned: say('assigned'), revoked: say('revoked'), lost: say('lost') })
