import { expect, test } from 'vitest'
import { createLogger } from '../../cli/logger.ts'
import { isAlertLine, readableLine, terminalLog } from '../../cli/terminal-log.ts'

const ALERT = JSON.stringify({
  level: 40,
  time: '2026-05-01T12:03:11.000Z',
  process: 'warehouse',
  msg: 'alert open: payment.amount from bank-b: the median is 100 times what it was',
  state: 'open',
  kind: 'data-quality',
})

test('an alert is one line in words, with its time', () => {
  expect(readableLine(ALERT)).toBe('12:03:11  alert open: payment.amount from bank-b: the median is 100 times what it was')
  expect(isAlertLine(ALERT)).toBe(true)
})

test('the engine’s own lines are told in words, with the error behind them', () => {
  const lines: string[] = []
  createLogger('warn', { write: (text) => void lines.push(text) }).warn(
    { err: new Error('no space left') },
    'the checkpoint was not written',
  )
  expect(readableLine(lines[0]!)).toMatch(/^\d\d:\d\d:\d\d {2}the checkpoint was not written: no space left$/)
  expect(isAlertLine(lines[0]!)).toBe(false)
})

test('what is no JSON is passed on, without characters that redraw the terminal', () => {
  expect(readableLine('Segmentation fault')).toBe('Segmentation fault')
  expect(readableLine(JSON.stringify({ msg: 'alert open: \u001B[2J\u0007gone' }))).toBe('          alert open:  [2J gone')
})

test('what is drawn on the last line is removed before each line, and only for a line that is wanted', () => {
  const seen: string[] = []
  const log = terminalLog(
    { write: (text: string) => seen.push(text) > 0 },
    () => void seen.push('clear'),
    (line) => !isAlertLine(line),
  )
  log.write(`${ALERT}\n`)
  log.write(`${JSON.stringify({ msg: 'one' })}\n${JSON.stringify({ msg: 'two' })}\n`)
  expect(seen).toEqual(['clear', '          one\n          two\n'])
})
