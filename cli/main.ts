/** `scorestream <command>`: finds the command, parses its options, and turns errors into messages and exit codes. */
import { nearest } from '#schemas/nearest.ts'
import { type Command, helpOf, parseCommandLine } from './command.ts'
import { CommandError, EXIT, foreseen } from './exit.ts'

/** Loaded on demand: `--help` must not open a database engine. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; load(): Promise<Command> }>> = {
  start: { summary: 'run the engine and replay the demo stream into it', load: async () => (await import('./commands/start.ts')).start },
  serve: { summary: 'run the engine', load: async () => (await import('./commands/serve.ts')).serve },
  train: { summary: 'train, evaluate and publish a model bundle', load: async () => (await import('./commands/train.ts')).train },
  'demo-drift': {
    summary: 'see a unit error and a changed population told apart, and a successor trained, judged and put to work',
    load: async () => (await import('./commands/demo-drift.ts')).demoDrift,
  },
  'demo-evolve': {
    summary: 'see the feature set of a serving engine change, with certificate and pause, and change back',
    load: async () => (await import('./commands/demo-evolve.ts')).demoEvolve,
  },
  import: {
    summary: 'map files (CSV, JSON, Parquet) to events and send them',
    load: async () => (await import('./commands/import.ts')).importFiles,
  },
  models: {
    summary: 'list, show, promote and roll back model bundles',
    load: async () => (await import('./commands/models.ts')).models,
  },
  replay: {
    summary: 'refold a past decision from the log and compare it bit for bit',
    load: async () => (await import('./commands/replay.ts')).replay,
  },
  query: { summary: 'ask the warehouse in SQL', load: async () => (await import('./commands/query.ts')).query },
  features: {
    summary: 'list the features: meaning, lineage, bounds, bytes',
    load: async () => (await import('./commands/features.ts')).features,
  },
  tensors: {
    summary: 'write event sequences and graph features of every application, for networks',
    load: async () => (await import('./commands/tensors.ts')).tensors,
  },
  outliers: {
    summary: 'say which past decisions were on applicants unlike those the model was trained on',
    load: async () => (await import('./commands/outliers.ts')).outliers,
  },
  parity: {
    summary: 'recompute features of past decisions in SQL and compare',
    load: async () => (await import('./commands/parity.ts')).parity,
  },
  'verify-chain': {
    summary: 'check hashes, order and uniqueness of every decision',
    load: async () => (await import('./commands/verify-chain.ts')).verifyChain,
  },
  alerts: {
    summary: 'list what monitoring found; accept, mute or acknowledge it',
    load: async () => (await import('./commands/alerts.ts')).alerts,
  },
  'dead-letters': {
    summary: 'look at refused events, mend them and send them again',
    load: async () => (await import('./commands/dead-letters.ts')).deadLetters,
  },
  doctor: {
    summary: 'check this machine, the configuration, the data directory and the models',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
}

const overview = (): string => {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length))
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return `Scorestream: credit events in, explained and reproducible decisions out.\n\nUsage: scorestream <command> [options]\n\n${rows.join('\n')}\n\nscorestream <command> --help says more. Through npm: npm run scorestream -- <command> …\n`
}

const dispatch = async (argv: readonly string[]): Promise<number> => {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(overview())
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  const entry = COMMANDS[name]
  if (entry === undefined) {
    const hint = nearest(name, Object.keys(COMMANDS))
    throw new CommandError(
      'usage',
      `there is no command "${name}"${hint ? `; did you mean "${hint}"?` : ''}\nTry: scorestream --help`,
      EXIT.usage,
    )
  }
  const command = await entry.load()
  const { options, positionals } = parseCommandLine(command, rest)
  if (options['help'] === true) {
    process.stdout.write(helpOf(command))
    return EXIT.ok
  }
  return await command.run(options, positionals)
}

/** Foreseen errors get their message without a stack. Anything else is a bug and shows its stack. */
const report = (error: unknown): number => {
  const known = foreseen(error)
  if (known !== undefined) {
    process.stderr.write(`scorestream: ${known.message}\n`)
    return known.exitCode
  }
  process.stderr.write(`scorestream: this is a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return EXIT.bug
}

export const main = async (argv: readonly string[]): Promise<void> => {
  // A reader that went away (`scorestream query … | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok)
    throw error
  })
  process.exitCode = await dispatch(argv).catch(report)
}
