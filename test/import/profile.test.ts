import { join } from 'node:path'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { scorestream } from '../cli/command-line.ts'
import { FIXTURES, withFolder } from './import-world.ts'

const MAPPING = `mapping: clients
title: Clients <of> a bank
producer: clients
tables:
  clients:
    files: [clients*]
    columns: { nick: { personal: true } }
    applicant: =id
    events:
      - kind: protected
        time: =origin
        attributes: { sex: =sex }
`

const csv = (shift: number): string =>
  `id,sex,nick,contact,card,income,twice,nothing\n${Array.from(
    { length: 400 },
    (_, row) =>
      `c${row},${row % 3 === 0 ? 'f' : 'm'},n${row},p${row}@example.org,4111111111111111,${(row % 50) + shift},${2 * ((row % 50) + shift)},`,
  ).join('\n')}\n`

describe('scorestream import --profile', () => {
  test('reports types, missing, correlations, drift and personal data, and shows no personal value', async () => {
    await withFolder(async (folder) => {
      const [mapping, now, before, out] = ['bank.yaml', 'clients.csv', 'clients-before.csv', 'report.html'].map((name) =>
        join(folder, name),
      ) as [string, string, string, string]
      writeFileSync(mapping, MAPPING)
      writeFileSync(now, csv(30))
      writeFileSync(before, csv(0))
      const { code, stderr } = await scorestream([
        'import',
        '-m',
        mapping,
        '--dry-run',
        '--with-protected',
        '--profile',
        out,
        '--reference',
        before,
        now,
      ])
      expect([code, stderr]).toEqual([0, expect.stringContaining('profile written to')])
      const html = readFileSync(out, 'utf8')
      expect(html).toContain('Clients &lt;of&gt; a bank')
      expect(html).toMatch(/nothing<\/th><td>empty<\/td><td><span class="warn">100\.0 %/)
      expect(html).toMatch(/income<\/th><td>number<\/td><td>0 %<\/td><td>50<\/td><td>30 to 79/)
      expect(html).toContain('twice and income (1.00)')
      expect(html).toMatch(/income<\/th><td>\d+\.\d+<\/td><td>&lt; 0\.001<\/td><td><span class="flag">shifted/)
      expect(html).toMatch(/sex<\/th><td>0\.000<\/td><td>1\.000<\/td><td><span class="fine">no evidence/)
      expect(html).toContain('100 % of its values look like e-mail addresses')
      expect(html).toContain('100 % of its values look like payment card numbers (Luhn)')
      expect(html).toContain('becomes protected.sex (protected)')
      for (const secret of ['example.org', '4111111111111111', 'n17<', '>m<']) expect(html).not.toContain(secret)
      expect(html).not.toMatch(/(src|href)="(?!#)/)
    })
  })

  test('measures the test applications against the training ones, as the mapping says', async () => {
    await withFolder(async (folder) => {
      const out = join(folder, 'report.html')
      const { code } = await scorestream(['import', '-m', 'home-credit', '--dry-run', '--profile', out, join(FIXTURES, 'home-credit')])
      expect(code).toBe(1)
      expect(readFileSync(out, 'utf8')).toContain('Drift against application_train')
    })
  })
})

describe('scorestream import', () => {
  test('into a data directory is decided there, and a second time has no second effect', async () => {
    await withFolder(async (folder) => {
      const args = [
        'import',
        '-m',
        'south-german',
        '--to',
        join(folder, 'data'),
        '--json',
        '--rejects',
        join(folder, 'rejects.ndjson'),
        '--work',
        join(folder, 'work'),
        join(FIXTURES, 'south-german'),
      ]
      const environment = { SCORESTREAM_INGEST_PAST_YEARS: '80' }
      const [first, second] = [await scorestream(args, environment), await scorestream(args, environment)]
      expect([first.code, first.stderr.includes('bug')]).toEqual([0, false])
      expect(JSON.parse(first.stdout)).toMatchObject({ accepted: 4, duplicates: 0, refused: 0 })
      expect(JSON.parse(second.stdout)).toMatchObject({ accepted: 0, duplicates: 4, refused: 0 })
    })
  })

  test('says what to do where the mapping or the target is not named', async () => {
    expect(await scorestream(['import', '-m', 'home-kredit', '--dry-run', '.'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('did you mean "home-credit"?') as unknown,
    })
    expect(await scorestream(['import', '-m', 'taiwan', '.'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--dry-run to check only') as unknown,
    })
  })
})
