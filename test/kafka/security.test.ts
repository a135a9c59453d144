import { execFileSync } from 'node:child_process'
import { pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { kafkaChecks } from '#streams/kafka/checks.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { connectionOptions, type KafkaSettings } from '#streams/kafka/settings.ts'
import { silentLogger } from '#streams/logger.ts'
import { type Broker, kafkaServer, startBroker } from '../servers/kafka.ts'
import { testSettings } from './settings.ts'

const server = await kafkaServer()
const folder = mkdtempSync(join(tmpdir(), 'scorestream-tls-'))
const secret = join(folder, 'password')
writeFileSync(secret, 'correct horse\n', { mode: 0o600 })
const partitions = 2

/** A key of its own for the broker, and its certificate as clients want it. */
const makeKey = (): { readonly store: string; readonly certificate: string } => {
  const store = join(folder, 'broker.p12')
  const certificate = join(folder, 'ca.pem')
  const common = ['-keystore', store, '-storepass', 'changeit', '-alias', 'broker']
  execFileSync(
    'keytool',
    [
      ...['-genkeypair', '-keyalg', 'RSA', '-keysize', '2048', '-validity', '2', '-storetype', 'PKCS12'],
      ...['-dname', 'CN=localhost', '-ext', 'SAN=dns:localhost,ip:127.0.0.1', ...common],
    ],
    { stdio: 'pipe' },
  )
  execFileSync('keytool', ['-exportcert', '-rfc', '-file', certificate, ...common], { stdio: 'pipe' })
  return { store, certificate }
}

/**
 * Options of the storage format for a user who logs in by SCRAM, with the hash of the password (RFC 5802, "Hi") in place of the password
 * itself: Kafka 3.5 cuts that off at its first blank.
 */
const scramUser = (name: string, bits: 256 | 512): string[] => {
  const salt = Buffer.from(`salt of ${name}`)
  const salted = pbkdf2Sync('correct horse', salt, SCRAM_ITERATIONS, bits / 8, `sha${bits}`)
  const fields = [`name=${name}`, `iterations=${SCRAM_ITERATIONS}`, `salt="${salt.toString('base64')}"`]
  return ['--add-scram', `SCRAM-SHA-${bits}=[${[...fields, `saltedpassword="${salted.toString('base64')}"`].join(',')}]`]
}
/** The fewest that Kafka takes. */
const SCRAM_ITERATIONS = 4_096

describe('connection settings', () => {
  const login = (sasl: object): KafkaSettings => testSettings(['127.0.0.1:9'], { sasl: { mechanism: 'PLAIN', username: 'u', ...sasl } })

  it('take the password from a file, without its line break, or from the environment', async () => {
    const passwordOf = (sasl: object): unknown => {
      const password = connectionOptions(login(sasl)).sasl?.password
      return typeof password === 'function' ? password() : password
    }
    expect(passwordOf({ passwordFile: secret })).toBe('correct horse')
    process.env['SCORESTREAM_TEST_SECRET'] = 'from the environment'
    expect(passwordOf({ passwordVariable: 'SCORESTREAM_TEST_SECRET' })).toBe('from the environment')
    delete process.env['SCORESTREAM_TEST_SECRET']
    const [finding] = await kafkaChecks(login({ passwordFile: secret }), { partitions })
    expect(JSON.stringify(finding)).not.toContain('correct horse')
  })

  it.each([
    [{}, /passwordFile/],
    [{ passwordFile: '/nowhere/secret' }, /sasl\.passwordFile names \/nowhere\/secret/],
    [{ passwordVariable: 'NOT_SET_ANYWHERE' }, /NOT_SET_ANYWHERE, which is not set/],
    [{ username: undefined, passwordFile: secret }, /username is missing/],
  ])('that lack something are refused by its name: %j', (sasl, expected) => {
    expect(() => connectionOptions(login(sasl))).toThrow(expected)
  })
})

if (server.kind === 'absent' || server.classPath === undefined) it.skip('encrypted connections and logins (no Kafka of our own)', () => {})
else
  describe('encrypted connections and logins', () => {
    let broker: Broker
    let certificate: string
    beforeAll(async () => {
      const key = makeKey()
      certificate = key.certificate
      broker = await startBroker({
        name: 'kafka-secure',
        listeners: [
          { name: 'SECURE', protocol: 'SASL_SSL' },
          { name: 'PLAIN', protocol: 'PLAINTEXT' },
        ],
        properties: [
          'sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN',
          'listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
          'listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
          'listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_engine="correct horse";',
          `ssl.keystore.location=${key.store}`,
          'ssl.keystore.password=changeit',
          'ssl.keystore.type=PKCS12',
          'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users=User:ANONYMOUS;User:engine',
        ],
        format: [...scramUser('engine', 512), ...scramUser('engine', 256), ...scramUser('stranger', 512)],
      })
    })

    const settingsOf = (mechanism: string, changes: object = {}): KafkaSettings =>
      testSettings([broker.address], {
        tls: { enabled: true, caFile: certificate },
        sasl: { mechanism, username: 'engine', passwordFile: secret, ...changes },
      })

    it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])('%s over TLS reads and writes', async (mechanism) => {
      const log = await openKafkaLog({ settings: settingsOf(mechanism), partitions, logger: silentLogger })
      const [offset] = await log.append('credit-events', [{ partition: 1, key: Buffer.from('k'), value: Buffer.from('v') }])
      expect(await log.read('credit-events', 1, offset as number, 100)).toHaveLength(1)
      await log.close()
    })

    it('a wrong password is a login that failed, and the password is not told', async () => {
      const wrong = join(folder, 'wrong')
      writeFileSync(wrong, 'battery staple')
      const opening = openKafkaLog({ settings: settingsOf('SCRAM-SHA-512', { passwordFile: wrong }), partitions, logger: silentLogger })
      await expect(opening).rejects.toMatchObject({ code: 'forbidden', message: expect.not.stringContaining('battery') as string })
    })

    it('a certificate of an unknown authority is not trusted', async () => {
      const settings = { ...settingsOf('PLAIN'), tls: { enabled: true } }
      await expect(openKafkaLog({ settings, partitions, logger: silentLogger })).rejects.toMatchObject({ code: 'unreachable' })
      expect(readFileSync(certificate, 'utf8')).toContain('BEGIN CERTIFICATE')
    })

    it('a user without rights is told which are missing, by doctor and on opening', async () => {
      const settings = settingsOf('SCRAM-SHA-512', { username: 'stranger' })
      await expect(openKafkaLog({ settings, partitions, logger: silentLogger })).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringMatching(/access list forbids/) as string,
      })
      const owner = await openKafkaLog({
        settings: { ...settings, sasl: settingsOf('SCRAM-SHA-512').sasl },
        partitions,
        logger: silentLogger,
      })
      await owner.close()
      const findings = await kafkaChecks(settings, { partitions })
      expect(findings.filter(({ state, detail }) => state === 'failure' && /access list forbids/.test(detail)).length).toBeGreaterThan(0)
    })
  })
