/** Prometheus' own tool. With CI=true its absence fails the run; elsewhere what needs it is skipped by name. */
import { spawnSync } from 'node:child_process'

const found = spawnSync('promtool', ['--version']).status === 0
if (!found && process.env['CI'] === 'true') throw new Error('CI=true and there is no promtool: install the package prometheus')
if (!found) process.stderr.write('skipped: the unit tests of alerts, for want of promtool (Debian: apt install prometheus)\n')

export const withoutPromtool = !found

export const promtool = (args: readonly string[], cwd: string): { readonly status: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8', timeout: 100_000 })
  return { status, said: `${stdout}${stderr}` }
}
