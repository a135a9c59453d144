/**
 * Contrast after WCAG 2.2 and colour differences as people with dichromatic vision see them: simulation matrices of G. M. Machado, M. M. Oliveira and
 * L. A. F. Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009), severity 1.0, in linear RGB; differences in CIELAB (1976).
 */
export type Rgb = readonly [number, number, number]
export type Vision = 'normal' | 'protanopia' | 'deuteranopia' | 'tritanopia'

export const hexToRgb = (hex: string): Rgb => {
  if (!/^#[0-9a-f]{6}$/.test(hex)) throw new Error(`not a colour: ${hex}`)
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as unknown as Rgb
}

/** sRGB to linear light (IEC 61966-2-1). */
const linear = ([r, g, b]: Rgb): Rgb => [r, g, b].map((c) => (c <= 0.040_45 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as unknown as Rgb

const luminance = (colour: Rgb): number => {
  const [r, g, b] = linear(colour)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

export const contrast = (a: Rgb, b: Rgb): number => {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

type Matrix = readonly [Rgb, Rgb, Rgb]
const MATRICES: Readonly<Record<Vision, Matrix>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

const dot = (a: Rgb, b: Rgb): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
const times = (matrix: Matrix, v: Rgb): Rgb => [dot(matrix[0], v), dot(matrix[1], v), dot(matrix[2], v)]

const XYZ: Matrix = [
  [0.412_456_4, 0.357_576_1, 0.180_437_5],
  [0.212_672_9, 0.715_152_2, 0.072_175],
  [0.019_333_9, 0.119_192, 0.950_304_1],
]
const WHITE: Rgb = [0.950_47, 1, 1.088_83]

const lab = (light: Rgb): Rgb => {
  const [x, y, z] = times(XYZ, light).map((c, i) => {
    const t = c / (WHITE[i] ?? 1)
    return t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29
  }) as unknown as Rgb
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

export const differenceUnder = (vision: Vision, a: Rgb, b: Rgb): number => {
  const seen = (colour: Rgb): Rgb => lab(times(MATRICES[vision], linear(colour)).map((c) => Math.min(1, Math.max(0, c))) as unknown as Rgb)
  const [p, q] = [seen(a), seen(b)]
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])
}
