/** `scorestream tensors`: sequences and graph features of every application, for networks. */
import { readFileSync } from 'node:fs'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, numeric, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { pipelineSettings } from '../pipeline-settings.ts'
import { thousands } from '../progress.ts'
import { DEMO_DATA } from '../project.ts'
import { openLogs } from '../read-only-log.ts'
import { orderedEvents } from '../tensors/ordered-events.ts'
import { writeTensors } from '../tensors/write-tensors.ts'

const LENGTH_DEFAULT = 32

export const tensors: Command = {
  name: 'tensors',
  summary: 'Writes event sequences and graph features of every application, as of its own moment, as arrays that NumPy reads.',
  options: {
    ...DATA_OPTIONS,
    ...JSON_OPTION,
    out: { type: 'string', value: 'DIR', help: 'folder to write to' },
    demo: { type: 'boolean', help: 'of the demo stream rather than of a data directory' },
    length: { type: 'string', value: 'N', help: `steps of a sequence, 1 to 240 (default: ${LENGTH_DEFAULT})` },
  },
  notes: `
  scorestream tensors --demo --out /tmp/tensors
  python -c "import numpy; print(numpy.load('/tmp/tensors/sequences.npy').shape)"

Writes sequences.npy (rows, steps, channels), mask.npy (rows, steps), graph.npy (rows, features), labels.npy (rows; nan where no outcome was
observed), rows.ndjson and manifest.json, which names channels and features. Events of a data directory are taken in the order of their append
time. Exit codes: 0 written, 64 usage, 66 no data.`,
  async run(options) {
    const out = text(options, 'out')
    if (out === undefined) throw new CommandError('usage', 'say where to write to: --out DIR', EXIT.usage)
    const length = numeric(options, 'length', { minimum: 1, maximum: 240 }) ?? LENGTH_DEFAULT
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const log = options['demo'] === true ? undefined : await openLogs(config)
    try {
      const events = log === undefined ? demoStream(readFileSync(DEMO_DATA)).events() : orderedEvents(log, pipelineSettings(config))
      const written = await writeTensors(events, out, length, (count, rows) =>
        process.stderr.write(`${thousands(count)} events, ${thousands(rows)} applications\n`),
      )
      const { rows, labelled, sequence, graph } = written
      if (options['json'] === true) process.stdout.write(`${JSON.stringify(written)}\n`)
      else
        process.stdout.write(
          `${out}: ${thousands(rows)} applications, ${thousands(labelled)} with an outcome; sequences of ${sequence.shape.join(' × ')}, ${graph.features.length} graph features\n`,
        )
      return EXIT.ok
    } finally {
      await log?.close()
    }
  },
}
