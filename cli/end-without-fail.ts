/** Makes sure that this process ends, whatever its threads do. */
import koffi from 'koffi'

let alarm: ((seconds: number) => number) | undefined

/**
 * Lets the kernel end this process in so many seconds, unless it has ended or called this again before; 0 calls that off. A timer would need the
 * event loop, and `process.exit` waits for calls on libuv's threads. On Windows nothing is done.
 */
export const endWithin = (seconds: number): void => {
  if (process.platform === 'win32') return
  // SIGALRM is nobody's here, and ends a process by default.
  alarm ??= koffi.load(null).func('unsigned int alarm(unsigned int seconds)') as (seconds: number) => number
  alarm(seconds)
}
