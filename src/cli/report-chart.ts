import { escapeHtml } from '../admin/status-page.js'
import type { Timeline } from '../gateway/report-timeline.js'

/** A part of a bar: how much, and the class that colours it. */
export interface BarPart {
  readonly value: number
  readonly kind: 'good' | 'bad' | 'doubtful' | 'broken'
  readonly title: string
}

/** So many of a kind, in words: `3 refused`. */
export type NameOf = (count: number, kind: BarPart['kind']) => string

const width = 880
const height = 150
const foot = 18
const side = 44

/**
 * The requests over time as stacked columns, drawn in the page itself.
 *
 * @param label - what the picture is, for those who do not see it
 * @param nameOf - what so many of each kind of outcome are called
 */
export function timelineChart(
  { steps }: Timeline,
  { label, nameOf }: { readonly label: string; readonly nameOf: NameOf },
): string {
  const columns = steps.map(({ from, permitted, refused, overlooked, failed }) => ({
    from,
    parts: partsOf({ good: permitted, doubtful: overlooked, bad: refused, broken: failed }, nameOf),
    sum: permitted + refused + overlooked + failed,
  }))
  const top = Math.max(1, ...columns.map(({ sum }) => sum))
  const step = (width - side) / Math.max(columns.length, 12)
  const tall = height - foot - 10
  const bars = columns.flatMap(({ from, parts, sum }, index) => {
    let base = height - foot
    const x = side + index * step
    const shapes = parts.map(({ value, kind }) => {
      const size = (value / top) * tall
      base -= size
      return `<rect class="${kind}" x="${round(x)}" y="${round(base)}" width="${round(step * 0.82)}" height="${round(size)}"/>`
    })
    const told = parts.map(({ title }) => title).join(', ')
    return sum === 0 ? [] : [`<g><title>${escapeHtml(`${from}: ${told}`)}</title>${shapes.join('')}</g>`]
  })
  const [first, last] = [columns[0]?.from ?? '', columns.length > 1 ? (columns.at(-1)?.from ?? '') : '']
  const end = side + columns.length * step
  const axis = height - foot
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">
<line x1="${side}" y1="10" x2="${width}" y2="10"/><line x1="${side}" y1="${axis}" x2="${width}" y2="${axis}"/>
<text x="${side - 6}" y="14" class="end">${top}</text><text x="${side - 6}" y="${axis}" class="end">0</text>
${bars.join('\n')}
<text x="${side}" y="${height - 3}">${escapeHtml(first)}</text>${
    // beside the first where there is room for both
    end - side > 260 ? `<text x="${round(end)}" y="${height - 3}" class="end">${escapeHtml(last)}</text>` : ''
  }
</svg>`
}

/** One bar of parts, as long as its share of the longest. */
export function bar(parts: readonly BarPart[], longest: number): string {
  const scale = 160 / Math.max(1, longest)
  let x = 0
  const shapes = parts.map(({ value, kind, title }) => {
    const long = Math.max(1.5, value * scale)
    const shape = `<rect class="${kind}" x="${round(x)}" y="0" width="${round(long)}" height="12"><title>${escapeHtml(title)}</title></rect>`
    x += long
    return shape
  })
  const told = parts.map(({ title }) => title).join(', ')
  return `<svg class="bar" viewBox="0 0 170 12" role="img" aria-label="${escapeHtml(told)}">${shapes.join('')}</svg>`
}

/** The parts that are not nothing, each with its name. */
export function partsOf(
  values: Readonly<Partial<Record<BarPart['kind'], number>>>,
  nameOf: NameOf,
): readonly BarPart[] {
  return (['good', 'doubtful', 'bad', 'broken'] as const).flatMap((kind) => {
    const value = values[kind] ?? 0
    return value === 0 ? [] : [{ value, kind, title: nameOf(value, kind) }]
  })
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
