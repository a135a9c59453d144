/** The audit of the crash test is itself tested: it must find bugs that are planted, and nothing where there are none. */
import { copyFileSync, appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { type LaunchedEngine, launchEngine } from './engine-process.ts'
import { eventsOf } from './events.ts'
import type { PointOfDeath } from './plants/death.ts'
import { Producer } from './producer.ts'
import { contradictions, undisturbed } from './undisturbed.ts'

const POLICY = join(import.meta.dirname, '../../models/policy.yaml')
const EVENTS = eventsOf(500)
const LOAD = { lanes: 2, lines: 20 }
/** The planted publisher writes this late; a clean end must not be mistaken for its bug. */
const LATER_MS = 600
/** How long after the last event a point of death may still come. */
const REACHED_MS = 5_000

interface Plot {
  readonly plant: string
  /** One life each, ended at its point; a last life follows that ends as it should. */
  readonly deaths: readonly `${PointOfDeath}:${number}`[]
  /** Whether each life has another policy: what it would decide anew has other content. */
  readonly policyChanges?: boolean
}

interface Ending {
  readonly findings: readonly string[]
  readonly complaints: readonly string[]
  readonly decisions: number
}

const refusal = (engine: LaunchedEngine): Ending => ({
  findings: [`the engine itself refuses to go on: ${engine.complaints()}`],
  complaints: [],
  decisions: 0,
})

/** Lives through a plot under load and says what the audit found, by itself and against an undisturbed run. */
const live = async ({ plant, deaths, policyChanges = false }: Plot): Promise<Ending> => {
  const folder = mkdtempSync(join(tmpdir(), 'scorestream-planted-'))
  const dataDir = join(folder, 'data')
  const policy = join(folder, 'policy.yaml')
  copyFileSync(POLICY, policy)
  const producer = new Producer(EVENTS, LOAD)
  const producing = producer.run()
  let engine: LaunchedEngine | undefined
  try {
    for (const death of [...deaths, undefined]) {
      const next = launchEngine(dataDir, {
        nodeOptions: ['--import', join(import.meta.dirname, 'plants/register.ts')],
        environment: { SCORESTREAM_TEST_PLANT: plant, SCORESTREAM_TEST_KILL: death ?? '', SCORESTREAM_POLICY_FILE: policy },
      })
      engine = next
      const refused = await next.ready.then(
        () => false,
        () => true,
      )
      if (refused) return refusal(next)
      producer.pointAt(await next.ready)
      if (death === undefined) {
        // It may be ready before it comes to what it cannot go on with.
        await Promise.race([producing, next.ended])
        if (next.child.exitCode !== null || next.child.signalCode !== null) return refusal(next)
        break
      }
      // With nothing more to come it would wait for its death for ever.
      await Promise.race([next.ended, producing.then(() => sleep(REACHED_MS))])
      producer.pointAt(undefined)
      expect(next.child.signalCode, `${death} was not reached: ${next.complaints()}`).toBe('SIGKILL')
      if (policyChanges) appendFileSync(policy, '# another version\n')
    }
    if (plant === 'commit-before-readable') await sleep(LATER_MS)
    await engine?.end()
    const result = await audit(dataDir, producer.ledger)
    const against = policyChanges ? [] : contradictions(result, await undisturbed(dataDir, join(folder, 'reference')))
    return { findings: [...result.findings, ...against], complaints: producer.complaints, decisions: result.decisions }
  } finally {
    producer.stop()
    await engine?.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('without a planted bug, death at the very same points leaves nothing to find', () => {
  const deaths = ['appended:25', 'published:6', 'before-commit:3', 'committed:3'] as const

  test('under one policy, against an undisturbed run', { timeout: 150_000, retry: 0 }, async () => {
    expect(await live({ plant: 'none', deaths })).toEqual({ findings: [], complaints: [], decisions: 500 })
  })
  test('under a policy that changes with each life', { timeout: 150_000, retry: 0 }, async () => {
    expect(await live({ plant: 'none', deaths: ['published:6', 'before-commit:3'], policyChanges: true })).toEqual({
      findings: [],
      complaints: [],
      decisions: 500,
    })
  })
})

describe('the audit finds the planted bug', () => {
  const BUGS: readonly (Plot & { readonly bug: string; readonly finding: RegExp })[] = [
    {
      bug: 'an offset is committed before its decision can be read back',
      plant: 'commit-before-readable',
      // The first such commit may have been taken before the decision; the third cannot.
      deaths: ['committed-unreadable:3'],
      finding: /^application .* has no decision$/,
    },
    {
      bug: 'the offset is committed, then the states',
      plant: 'offset-then-states',
      deaths: ['between-steps:3'],
      finding: /^position .* an undisturbed run decides/,
    },
    {
      bug: 'the states are committed, then the offset',
      plant: 'states-then-offset',
      deaths: ['between-steps:3'],
      finding: /log and state disagree|^position .* an undisturbed run decides/,
    },
    {
      bug: 'a new owner adopts nothing',
      plant: 'adoption-off',
      deaths: ['published:6'],
      policyChanges: true,
      finding: /^position .* has two contents/,
    },
    { bug: 'repeats are not recognised', plant: 'dedupe-off', deaths: ['appended:25'], finding: /^event .* is in the log 2 times/ },
  ]
  test.for(BUGS)('$bug', { timeout: 150_000, retry: 0 }, async ({ finding, ...plot }) => {
    const { findings } = await live(plot)
    expect(findings).toContainEqual(expect.stringMatching(finding))
  })
})
