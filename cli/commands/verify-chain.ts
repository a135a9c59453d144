/** `scorestream verify-chain`: every decision of an installation: its hash, its place in the chain, one content per position. */
import { type ChainReport, verifyChain as verifyPartition } from '#streams/verify-chain.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { EXIT } from '../exit.ts'
import { progressLine, thousands } from '../progress.ts'
import { openLogs } from '../read-only-log.ts'

export const verifyChain: Command = {
  name: 'verify-chain',
  summary: 'Recomputes the hash of every believed decision and follows the chain of each partition.',
  options: { ...DATA_OPTIONS, ...JSON_OPTION },
  notes: `
Works beside a running engine and without one; changes nothing. Exit codes: 0 every chain holds, 1 a fault was found, 65 the log itself is damaged,
66 no data directory.`,
  async run(options) {
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const log = await openLogs(config)
    const partitions = log.partitions('decisions')
    const progress = progressLine('verify', () => performance.now())
    const reports: ChainReport[] = []
    try {
      for (let partition = 0; partition < partitions; partition++) {
        reports.push(await verifyPartition(log, partition))
        progress.update(partition + 1, partitions, '')
      }
    } finally {
      await log.close()
    }
    const faults = reports.flatMap((report) => report.faults.map((fault) => ({ ...fault, partition: report.partition })))
    const decisions = reports.reduce((sum, report) => sum + report.decisions, 0)
    if (options['json'] === true)
      process.stdout.write(`${JSON.stringify({ holds: faults.length === 0, decisions, partitions: reports })}\n`)
    else {
      for (const fault of faults)
        process.stdout.write(`✗ ${fault.code} in partition ${fault.partition} of the decisions log, record ${fault.at}: ${fault.detail}\n`)
      process.stdout.write(
        faults.length === 0
          ? `${thousands(decisions)} decisions in ${partitions} partitions: every hash, every link and every position holds\n`
          : `${faults.length} faults in ${thousands(decisions)} decisions\n`,
      )
    }
    return faults.length === 0 ? EXIT.ok : EXIT.findings
  },
}
