import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { differenceUnder, hexToRgb, contrast } from './colour-vision.ts'

const css = readFileSync(join(import.meta.dirname, '../../web/src/shell/base.css'), 'utf8')
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name = '', light = '', dark = '']) => [
    name,
    { light, dark },
  ]),
)
const of = (name: string, theme: 'light' | 'dark') => hexToRgb(colours.get(name)?.[theme] ?? '')

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  test.each(['ink', 'soft', 'accent', 'alarm', 'fine'])('text in %s is readable on every ground (WCAG 2.2, 1.4.3: 4.5 to 1)', (name) => {
    for (const ground of ['ground', 'surface', 'sunken'])
      expect([ground, contrast(of(name, theme), of(ground, theme))]).toEqual([ground, expect.toSatisfy((ratio: number) => ratio >= 4.5)])
  })

  test.each(['approve', 'refer', 'decline', 'accent', 'second'])('marks in %s stand out from every ground (1.4.11: 3 to 1)', (name) => {
    for (const ground of ['ground', 'surface', 'sunken'])
      expect([ground, contrast(of(name, theme), of(ground, theme))]).toEqual([ground, expect.toSatisfy((ratio: number) => ratio >= 3)])
  })

  test.each(['normal', 'protanopia', 'deuteranopia', 'tritanopia'] as const)('the three outcomes stay apart under %s', (vision) => {
    for (const [a, b] of [
      ['approve', 'refer'],
      ['refer', 'decline'],
      ['approve', 'decline'],
    ] as const)
      // A difference of 20 in CIELAB is seen at a glance.
      expect([a, b, differenceUnder(vision, of(a, theme), of(b, theme))]).toEqual([
        a,
        b,
        expect.toSatisfy((difference: number) => difference >= 20),
      ])
  })
})
