/** Carries judgements from the journal beside the log into the topic `alerts`, where monitoring reads them in log order; each once. */
import { encodeAlertJudgement } from '#schemas/monitoring-wire.ts'
import type { Logger } from '#streams/logger.ts'
import type { Publish } from '../monitoring.ts'
import { journalBytes, readJudgements } from './judgement-journal.ts'

/** How often the journal's size is looked at. */
const POLL_MS = 500

export interface JudgementWatcher {
  /** Waits for what is on its way. */
  stop(): Promise<void>
}

/** `publish` appends what it has not appended before. What was judged while no engine ran is carried first. */
export const watchJudgements = (dataDir: string, publish: Publish, logger: Logger): JudgementWatcher => {
  let seen = 0
  let turn = Promise.resolve()
  const look = async (): Promise<void> => {
    const bytes = journalBytes(dataDir)
    if (bytes === seen) return
    await publish('alerts', readJudgements(dataDir).map(encodeAlertJudgement))
    seen = bytes
  }
  const again = (): void => {
    turn = turn
      .then(look)
      .catch((err: unknown) => logger.error({ err }, 'judgements of alerts could not be carried into the log; trying again'))
  }
  again()
  const timer = setInterval(again, POLL_MS).unref()
  return {
    async stop() {
      clearInterval(timer)
      await turn
    },
  }
}
