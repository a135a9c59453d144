/** A command: its options with their help, parsed strictly, and what it does. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearest } from '#schemas/nearest.ts'
import { CommandError, EXIT } from './exit.ts'

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly help: string
  /** Name of the value in the help text. */
  readonly value?: string
  readonly short?: string
  /** May be given more than once; {@link list} reads it. */
  readonly multiple?: boolean
}

export interface Command {
  readonly name: string
  readonly summary: string
  /** Positional arguments as the usage line shows them. */
  readonly positionals?: string
  readonly options: Readonly<Record<string, Option>>
  /** Paragraphs below the options: examples, exit codes. */
  readonly notes: string
  run(options: OptionValues, positionals: readonly string[]): Promise<number>
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Options every command that opens the engine's data understands. */
export const DATA_OPTIONS = {
  config: { type: 'string', value: 'FILE', help: 'configuration file (default: scorestream.yaml if there is one)' },
  'data-dir': { type: 'string', value: 'DIR', help: 'data directory (default: .scorestream; env SCORESTREAM_DATA_DIR)' },
} as const satisfies Record<string, Option>

export const JSON_OPTION = { json: { type: 'boolean', help: 'machine-readable output, one JSON document' } } as const satisfies Record<
  string,
  Option
>

export const text = (options: OptionValues, name: string): string | undefined => {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** Every value of an option that may be repeated, in order. */
export const list = (options: OptionValues, name: string): readonly string[] => {
  const value = options[name]
  return Array.isArray(value) ? (value as readonly string[]) : []
}

/** A number given on the command line, or undefined; refuses anything outside the range. */
export const numeric = (options: OptionValues, name: string, range: { minimum: number; maximum: number }): number | undefined => {
  const given = text(options, name)
  if (given === undefined) return undefined
  const value = Number(given)
  if (given.trim() === '' || !(value >= range.minimum && value <= range.maximum))
    throw new CommandError('usage', `--${name} takes a number from ${range.minimum} to ${range.maximum}, got "${given}"`, EXIT.usage)
  return value
}

export const helpOf = (command: Command): string => {
  const rows = Object.entries({ ...command.options, help: { type: 'boolean', short: 'h', help: 'this text' } satisfies Option }).map(
    ([name, option]: [string, Option]) =>
      [`${option.short ? `-${option.short}, ` : '    '}--${name}${option.value ? ` ${option.value}` : ''}`, option.help] as const,
  )
  const width = Math.max(...rows.map(([left]) => left.length))
  const options = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
  return `Usage: scorestream ${command.name} [options]${command.positionals ? ` ${command.positionals}` : ''}\n\n${command.summary}\n\nOptions:\n${options}\n\n${command.notes.trim()}\n`
}

export const parseCommandLine = (command: Command, argv: readonly string[]): { options: OptionValues; positionals: string[] } => {
  const known: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const [name, option] of Object.entries(command.options))
    known[name] = { type: option.type, ...(option.short ? { short: option.short } : {}), ...(option.multiple ? { multiple: true } : {}) }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: known, allowPositionals: true, strict: true })
    return { options: values as OptionValues, positionals }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const unknown = /'--([^'=]+)/.exec(message)?.[1]
    const hint = unknown === undefined ? undefined : nearest(unknown, Object.keys(known))
    throw new CommandError(
      'usage',
      `${message.split('. To specify')[0]}${hint ? `. Did you mean --${hint}?` : ''}\nTry: scorestream ${command.name} --help`,
      EXIT.usage,
      { cause },
    )
  }
}
