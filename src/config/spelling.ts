/** `; did you mean \`x\`?`, or nothing: the tail of a message. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const found = closest(word, candidates)
  return found === undefined ? '' : `; did you mean \`${found}\`?`
}

/** A value as a message may repeat it: one line, short, and never a PEM text. */
export function shown(value: string): string {
  if (value.includes('-----BEGIN')) return 'a PEM text'
  if (value === '') return 'nothing'
  const line = value.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069`]/g, ' ')
  return line.length > 60 ? `\`${line.slice(0, 57)}…\`` : `\`${line}\``
}

/** `one, two or three` of names in backticks. */
export function alternatives(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``)
  const last = quoted.pop() ?? 'nothing'
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`
}

/**
 * The candidate a word was probably meant to be, or undefined where none is near.
 *
 * Case, `-` and `_` count for nothing; otherwise two slips in five letters are forgiven.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  const meant = folded(word)
  let best: string | undefined
  let least = Math.min(Math.max(1, Math.floor(word.length * 0.4)) + 1, word.length)
  for (const candidate of candidates) {
    const distance = editDistance(meant, folded(candidate))
    if (distance >= least) continue
    best = candidate
    least = distance
  }
  return best
}

function folded(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '')
}

// optimal string alignment: a swapped pair of neighbours is one slip
function editDistance(one: string, other: string): number {
  let before: number[] = []
  let above = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1]
      let cost = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + (same ? 0 : 1),
      )
      const swapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      if (swapped) cost = Math.min(cost, at(before, column - 2) + 1)
      current.push(cost)
    }
    before = above
    above = current
  }
  return at(above, other.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
