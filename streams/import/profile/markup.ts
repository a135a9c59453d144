/** Pieces of the report: escaped texts, figures, bar charts as inline SVG. */
import type { Bin } from './distribution.ts'

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

export const figure = (value: number): string =>
  Number.isNaN(value)
    ? '–'
    : Number.isInteger(value)
      ? value.toLocaleString('en-US')
      : value.toLocaleString('en-US', { maximumSignificantDigits: 4 })

export const percent = (share: number): string => (share === 0 ? '0 %' : share < 0.001 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`)

const [WIDTH, HEIGHT] = [240, 56]

/** Bars of equal width, the tallest as high as the chart. `alt` says in words what it shows. */
export const barChart = (bins: readonly Bin[], alt: string): string => {
  const most = Math.max(1, ...bins.map(({ count }) => count))
  const width = WIDTH / Math.max(1, bins.length)
  const bars = bins.map(({ label, count }, at) => {
    // What is there can be seen, however rare.
    const height = count === 0 ? 0 : Math.max(1, (count / most) * HEIGHT)
    return `<rect x="${(at * width).toFixed(2)}" y="${(HEIGHT - height).toFixed(2)}" width="${Math.max(1, width - 1).toFixed(2)}" height="${height.toFixed(2)}"><title>${escaped(label)}: ${figure(count)}</title></rect>`
  })
  return `<svg class="bars" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(alt)}">${bars.join('')}</svg>`
}

export const table = (caption: string, heads: readonly string[], rows: readonly (readonly string[])[], kind = ''): string =>
  `<div class="scroll" tabindex="0" role="region" aria-label="${escaped(caption)}"><table class="${kind}"><caption>${escaped(caption)}</caption><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows
    .map(([first = '', ...rest]) => `<tr><th scope="row">${first}</th>${rest.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
    .join('')}</tbody></table></div>`

/** No fonts, scripts or pictures from elsewhere: the file can be kept and sent. Colours keep 4.5:1 on their ground in both schemes. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --bar: #0b6bcb; --bad: #b42318; --warn: #8a5a00; --good: #1a7f37; --tile: #f6f8fa }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --line: #30363d; --bar: #58a6ff; --bad: #ff8a80; --warn: #e3b341; --good: #56d364; --tile: #161b22 } }
* { box-sizing: border-box } body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 76rem; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0 0 .25rem } h2 { margin: 3rem 0 .5rem; font-size: 1.3rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem } h3 { font-size: 1rem; margin: 1.75rem 0 .5rem }
p { max-width: 60rem } .soft { color: var(--soft) } a { color: var(--bar) } nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none }
.scroll { overflow-x: auto } .scroll:focus-visible, a:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% } caption { text-align: left; color: var(--soft); padding-bottom: .35rem }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line) } thead th { color: var(--soft); font-weight: 600; white-space: nowrap } tbody th { font-weight: 600 }
.bars { width: 15rem; height: 3.5rem; display: block } .bars rect { fill: var(--bar) } .flag { color: var(--bad); font-weight: 600 } .warn { color: var(--warn); font-weight: 600 } .fine { color: var(--good) }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0 } .tiles div { background: var(--tile); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .9rem } .tiles b { display: block; font-size: 1.25rem }
.heat td, .heat th { padding: .25rem .5rem; font-size: .85rem } .heat td { text-align: right } .heat td span { display: inline-block; min-width: 3.2rem; padding: .1rem .3rem; border-radius: .25rem }
ul.values { margin: 0; padding: 0; list-style: none; font-size: .85rem }
@media print { body { max-width: none } .scroll { overflow: visible } }
`
