/** A gate's verdict in a line for people. */
import type { Gate } from '#schemas/monitoring-events.ts'

const MARK: Readonly<Record<Gate['state'], string>> = { passed: '✓', failed: '✗', 'insufficient-evidence': '?' }

export const describeGate = ({ gate, state, detail }: Gate): string => `${MARK[state]} ${gate.padEnd(20)} ${detail}`
