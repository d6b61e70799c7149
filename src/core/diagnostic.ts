/** Where a text says something: 1-based line and column, as editors count them. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * One thing wrong (or doubtful) in a configuration, with its place.
 *
 * `code` is stable and kebab-case; `message` is lower case, without a full stop, expected before
 * found, and never holds a secret. `related` names other places the message speaks of (the first
 * of two duplicates, say).
 */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  readonly code: string
  readonly place: Place
  readonly message: string
  readonly related?: readonly { readonly place: Place; readonly message: string }[]
}

/** `whitelist.yaml:14:9 unknown key …`, the way compilers print it, so that editors can jump there. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`
}

/** One diagnostic as text: its line, then a line for each related place. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const severity = diagnostic.severity === 'warning' ? 'warning: ' : ''
  const lines = [`${formatPlace(diagnostic.place)} ${severity}${diagnostic.message}`]
  for (const { place, message } of diagnostic.related ?? []) lines.push(`  ${formatPlace(place)} ${message}`)
  return lines.join('\n')
}
