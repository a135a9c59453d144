/** Windows as conditions on a row: `time` and `t` are epoch milliseconds, `held` and `age` say what the ring still has. */
import type { PaneSection } from '../state/pane-layout.ts'
import type { AggregateDefinition } from '../language/feature.ts'
import { instantIn } from './sql-text.ts'

/** @param strict Whether events at t itself are left out: the case of past applications. */
export const windowCondition = ({ window }: AggregateDefinition, strict: boolean): string => {
  const past = `held AND time ${strict ? '<' : '<='} t`
  switch (window.kind) {
    case 'months':
      return `${past} AND time > toUnixTimestamp64Milli(subtractMonths(${instantIn('UTC', 't')}, ${window.months}))`
    case 'span':
      return `${past} AND time > t - ${window.spanMs}`
    case 'events':
      return `${past} AND age <= ${window.events}`
    case 'calendar-month': {
      const month = (epochMs: string): string =>
        `toYear(${instantIn(window.zone, epochMs)}) * 12 + toMonth(${instantIn(window.zone, epochMs)})`
      return `${past} AND ${month('time')} = ${month('t')} - ${window.back}`
    }
    case 'ever':
    case 'now':
      return past
    case 'hops':
      throw new TypeError('windows over hops are conditions on partial results: use paneCondition')
  }
}

/** Which events the partial results that a window merges have taken in: those of its hops, while state keeps a pane for them. */
export const paneCondition = ({ window }: AggregateDefinition, section: PaneSection): string => {
  if (window.kind !== 'hops') return '1'
  const hop = (epochMs: string): string => `intDiv(${epochMs}, ${window.hopMs})`
  return [
    `${hop('time')} > ${hop('t')} - ${window.hops}`,
    `${hop('time')} <= ${hop('t')}`,
    `${hop('time')} > ${hop('newest_time')} - ${section.panes}`,
  ].join(' AND ')
}
