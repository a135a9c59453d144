/** The machine a figure was measured on, in one line. */
import { cpus, totalmem, type } from 'node:os'

export const machineLine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()}, Node ${process.versions.node}`
