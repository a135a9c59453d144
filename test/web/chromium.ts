/** The Chromium of this machine, as journeys and benchmarks start it. */
import { existsSync } from 'node:fs'

/** Undefined where there is none. */
export const CHROMIUM = [
  process.env['SCORESTREAM_TEST_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== '' && existsSync(path))

export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const CHROMIUM_ABSENT = 'Chromium is needed: apt-get install chromium, or name one in SCORESTREAM_TEST_CHROMIUM'
