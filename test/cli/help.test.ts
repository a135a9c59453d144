import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { scorestream } from './command-line.ts'

const COMMANDS = [
  'start',
  'serve',
  'train',
  'demo-drift',
  'demo-evolve',
  'import',
  'features',
  'alerts',
  'models',
  'replay',
  'query',
  'verify-chain',
  'dead-letters',
  'parity',
  'outliers',
  'tensors',
  'doctor',
] as const
const folder = mkdtempSync(join(tmpdir(), 'scorestream-help-'))
const nothing = join(folder, 'nothing')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('help', () => {
  test('names every command in a line', async () => {
    const { code, stdout, stderr } = await scorestream(['--help'])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'))
    expect((await scorestream(['help'])).stdout).toBe(stdout)
    // Without a command it is shown too, but scripts learn that nothing was done.
    expect(await scorestream([])).toEqual({ code: 64, stdout, stderr: '' })
  })

  test.for(COMMANDS)('of %s names usage, every option and the exit codes', async (name) => {
    const { code, stdout, stderr } = await scorestream([name, '--help'])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toMatch(new RegExp(`^Usage: scorestream ${name} \\[options\\]`))
    expect(stdout).toMatch(/--config FILE/)
    expect(stdout).toMatch(/-h, --help/)
    expect(stdout).toMatch(/Exit codes: (0 |as for serve)/)
    expect(stdout.split('\n').filter((line) => line.length > 160)).toEqual([])
    expect((await scorestream([name, '-h'])).stdout).toBe(stdout)
  })
})

describe('what is not understood exits 64 and names what was meant:', () => {
  test.for([
    [['sevre'], /there is no command "sevre"; did you mean "serve"\?\nTry: scorestream --help/],
    [['nonsense-entirely'], /there is no command "nonsense-entirely"\nTry: scorestream --help/],
    [['serve', '--log-levle', 'info'], /--log-levle.*Did you mean --log-level\?\nTry: scorestream serve --help/],
    [['start', '--rate', 'fast'], /--rate takes a number from 1 to 1000000, got "fast"/],
    [['start', '--rate', '0'], /--rate takes a number from 1 to 1000000, got "0"/],
    [['start', '--rate', '5', '--as-fast-as-possible'], /exclude one another/],
    [['serve', '--data-dir'], /--data-dir/],
    [['replay'], /name at least one decision, e\.g\. 3-1204\nTry: scorestream replay --help/],
    [['doctor', '--json=yes'], /--json/],
  ] as const)('%j', async ([args, says]) => {
    const { code, stdout, stderr } = await scorestream(args, { SCORESTREAM_DATA_DIR: nothing })
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/^\s+at |this is a bug/m)
    expect(stdout).toBe('')
    expect(code).toBe(64)
  })
})

describe('a wrong configuration exits 78 and names key, value and remedy:', () => {
  const file = join(folder, 'scorestream.yaml')
  const doctor = (yaml: string, environment: Record<string, string> = {}) => {
    writeFileSync(file, yaml)
    return scorestream(['doctor', '--config', file], { SCORESTREAM_DATA_DIR: nothing, ...environment })
  }

  test.for([
    ['an unknown key', 'gateway: { prot: 1 }', /unknown key "gateway\.prot"; did you mean "gateway\.port"\?/],
    ['an unknown section', 'gatewya: { port: 1 }', /unknown key "gatewya"; did you mean "gateway"\?/],
    ['a port out of range', 'gateway: { port: 70000 }', /gateway\.port = 70000: .*65535.*\(HTTP and WebSocket port/],
    ['text for a number', 'log: { partitions: many }', /log\.partitions = "many": .*integer.*\(Partitions of each topic/],
    ['a value that is none of those known', 'durability: eventual', /durability = "eventual": .*\(What an acknowledged event survives/],
    ['a list for the whole', '- 1', /top level must be keys and values/],
    ['broken YAML', 'gateway: { port: 1', /scorestream\.yaml: .*line 1/],
    ['a key twice', 'durability: process-kill\ndurability: power-loss', /scorestream\.yaml: .*unique/],
  ] as const)('%s', async ([, yaml, says]) => {
    const { code, stderr } = await doctor(yaml)
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/^\s+at |this is a bug/m)
    expect(code).toBe(78)
  })

  test('an unknown variable of the environment', async () => {
    const { code, stderr } = await doctor('', { SCORESTREAM_PROT: '1' })
    expect(stderr).toMatch(/unknown variable SCORESTREAM_PROT; did you mean SCORESTREAM_PORT\?/)
    expect(code).toBe(78)
  })

  test('secrets that others may read', async () => {
    const tokens = join(folder, 'tokens')
    writeFileSync(tokens, `op operator ${'t'.repeat(32)}\n`, { mode: 0o644 })
    const environment = { SCORESTREAM_DATA_DIR: join(folder, 'data'), SCORESTREAM_PORT: '0', SCORESTREAM_GATEWAY_TOKENS_FILE: tokens }
    const { code, stderr } = await scorestream(['serve', '--log-level', 'fatal'], environment)
    expect(stderr).toMatch(/tokens holds secrets but others may read it: chmod 600/)
    expect(code).toBe(78)
  })
})

describe('what is not there exits 66:', () => {
  test.for([
    [['serve', '--config', join(folder, 'absent.yaml')], /there is no configuration file .*absent\.yaml/],
    [['replay', '0-1', '--data-dir', nothing], /there is no data directory .*nothing; name one with --data-dir or SCORESTREAM_DATA_DIR/],
    [['verify-chain', '--data-dir', nothing], /there is no data directory .*nothing; name one with --data-dir or SCORESTREAM_DATA_DIR/],
    [['query', 'SELECT 1', '--data-dir', nothing], /nothing/],
  ] as const)('%j', async ([args, says]) => {
    const { code, stdout, stderr } = await scorestream(args)
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/^\s+at |this is a bug/m)
    expect(stdout).toBe('')
    expect(code).toBe(66)
  })
})

describe('doctor', () => {
  test('finds nothing wrong with a sound installation, also for scripts', async () => {
    const environment = { SCORESTREAM_DATA_DIR: nothing, SCORESTREAM_PORT: '0', SCORESTREAM_SQL_PORT: '0' }
    const { code, stdout } = await scorestream(['doctor', '--json'], environment)
    const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: { check: string; state: string }[] }
    expect(findings.filter(({ state }) => state === 'failure')).toEqual([])
    expect(healthy).toBe(true)
    expect(code).toBe(0)
  })

  test('says what is wrong with a model that is not there, and exits 1', async () => {
    const environment = { SCORESTREAM_DATA_DIR: nothing, SCORESTREAM_PORT: '0', SCORESTREAM_SQL_PORT: '0', SCORESTREAM_MODELS_DIR: nothing }
    const { code, stdout } = await scorestream(['doctor'], environment)
    expect(stdout).toMatch(/✗ model and policy +there is no model "credit" in .*nothing/)
    expect(code).toBe(1)
  })
})
