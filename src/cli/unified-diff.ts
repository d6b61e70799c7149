/** A text before and after a change; undefined: no such file. */
export interface TextChange {
  /** As the headings name it. */
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
}

type Line = readonly [mark: ' ' | '-' | '+', text: string]

const context = 3
/** Past this many changed lines the shortest way is not sought. */
const mostEdits = 2000

/** The change as a unified diff that `patch` and `git apply` take, line by line; nothing where there is none. */
export function unifiedDiff({ name, before, after }: TextChange): readonly string[] {
  if (before === after) return []
  const lines = diffLines(linesOf(before ?? ''), linesOf(after ?? ''))
  const head = [
    `--- ${before === undefined ? '/dev/null' : `a/${name}`}`,
    `+++ ${after === undefined ? '/dev/null' : `b/${name}`}`,
  ]
  return [...head, ...hunksOf(lines)]
}

// a last line without a feed is another line than one with it
function linesOf(text: string): readonly string[] {
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  return last === '' ? lines : [...lines, `${last}\n\\ No newline at end of file`]
}

function diffLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  const most = Math.min(before.length, after.length)
  let head = 0
  while (head < most && before[head] === after[head]) head += 1
  let tail = 0
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1
  const same = (text: string): Line => [' ', text]
  return [
    ...before.slice(0, head).map(same),
    ...shortestEdits(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ]
}

/** @see Myers, "An O(ND) Difference Algorithm and Its Variations", 1986 */
function shortestEdits(before: readonly string[], after: readonly string[]): readonly Line[] {
  const trace: Int32Array[] = []
  let reach = new Int32Array(3)
  for (let edits = 0; edits <= mostEdits; edits += 1) {
    const next = new Int32Array(2 * edits + 3)
    // diagonal k stands at k + edits + 1
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const below = reach[diagonal + edits + 1] ?? 0
      const left = reach[diagonal + edits - 1] ?? 0
      const isDown = diagonal === -edits || (diagonal !== edits && left < below)
      let x = edits === 0 ? 0 : isDown ? below : left + 1
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1
      next[diagonal + edits + 1] = x
      if (x >= before.length && x - diagonal >= after.length) {
        return walkBack({ before, after }, [...trace, next])
      }
    }
    trace.push(next)
    reach = next
  }
  return [...before.map((text): Line => ['-', text]), ...after.map((text): Line => ['+', text])]
}

function walkBack(
  { before, after }: { readonly before: readonly string[]; readonly after: readonly string[] },
  trace: readonly Int32Array[],
): readonly Line[] {
  const lines: Line[] = []
  let [x, y] = [before.length, after.length]
  for (let edits = trace.length - 1; edits > 0; edits -= 1) {
    const diagonal = x - y
    const reach = trace[edits - 1] ?? new Int32Array()
    const below = reach[diagonal + edits + 1] ?? 0
    const left = reach[diagonal + edits - 1] ?? 0
    const isDown = diagonal === -edits || (diagonal !== edits && left < below)
    const [fromX, fromY] = isDown ? [below, below - diagonal - 1] : [left, left - diagonal + 1]
    while (x > fromX && y > fromY && x > 0 && y > 0 && before[x - 1] === after[y - 1]) {
      lines.push([' ', before[x - 1] ?? ''])
      x -= 1
      y -= 1
    }
    if (isDown) lines.push(['+', after[--y] ?? ''])
    else lines.push(['-', before[--x] ?? ''])
  }
  while (x > 0) lines.push([' ', before[--x] ?? ''])
  return lines.reverse()
}

function hunksOf(lines: readonly Line[]): readonly string[] {
  const changed = lines.flatMap(([mark], index) => (mark === ' ' ? [] : [index]))
  const written: string[] = []
  let [before, after, at] = [0, 0, 0]
  for (let first = 0; first < changed.length;) {
    let last = first
    while ((changed[last + 1] ?? Infinity) - (changed[last] ?? 0) <= 2 * context) last += 1
    const start = Math.max(0, (changed[first] ?? 0) - context)
    const end = Math.min(lines.length, (changed[last] ?? 0) + context + 1)
    for (; at < start; at += 1) {
      before += 1
      after += 1
    }
    const hunk = lines.slice(start, end)
    const gone = hunk.filter(([mark]) => mark !== '+').length
    const come = hunk.filter(([mark]) => mark !== '-').length
    written.push(`@@ -${span(before, gone)} +${span(after, come)} @@`)
    written.push(...hunk.flatMap(([mark, text]) => `${mark}${text}`.split('\n')))
    before += gone
    after += come
    at = end
    first = last + 1
  }
  return written
}

// an empty span names the line before it
function span(passed: number, count: number): string {
  return `${count === 0 ? passed : passed + 1}${count === 1 ? '' : `,${count}`}`
}
