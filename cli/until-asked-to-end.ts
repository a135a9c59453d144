/** Waits for SIGINT, SIGTERM or the engine's own end, then closes in order. */
import { EXIT } from './exit.ts'
import type { Host } from './host.ts'

/** Resolves with the exit code. `onEnding` runs first, e.g. to stop what feeds the engine. */
export const untilAskedToEnd = async (host: Host, onEnding: () => Promise<void> = async () => {}): Promise<number> => {
  const { promise: asked, resolve } = Promise.withResolvers<'asked' | 'failed'>()
  let signals = 0
  const onSignal = (): void => {
    signals += 1
    if (signals > 1) process.exit(130)
    process.stderr.write('\nending: finishing what was accepted (once more to end at once; nothing acknowledged is lost either way)\n')
    resolve('asked')
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  void host.failed.then((failure) => {
    process.stderr.write(`\nscorestream: the engine stopped: ${failure instanceof Error ? failure.message : String(failure)}\n`)
    resolve('failed')
  })
  const why = await asked
  await onEnding()
  await host.close()
  return why === 'asked' ? EXIT.ok : EXIT.bug
}
