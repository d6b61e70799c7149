import type { LineSink } from './line-sink.js'
import { printable } from './redact.js'

/** Where people may be looking. */
interface Terminal {
  readonly isTTY?: boolean
  write(text: string): boolean
}

/** Marks of a level: its colour, as a terminal takes it. */
const colours: Readonly<Record<string, number>> = { debug: 90, info: 36, warn: 33, error: 31 }
const faint = 2

/**
 * Log lines for people on a terminal, and as they are anywhere else.
 *
 * @param variables - `NO_COLOR` and `TERM=dumb` take the colours away. @see https://no-color.org
 */
export function logDestination(
  stream: Terminal,
  variables: Readonly<Record<string, string | undefined>>,
): LineSink {
  if (stream.isTTY !== true) return { write: (line) => stream.write(line) || true }
  const isColoured = (variables['NO_COLOR'] ?? '') === '' && variables['TERM'] !== 'dumb'
  return { write: (line) => stream.write(prettyLine(line, isColoured)) || true }
}

/** A log line as people read it: time, level, message, then the fields; lists and errors below it. */
export function prettyLine(line: string, isColoured: boolean): string {
  const paint = (code: number, text: string): string =>
    isColoured ? `\u001b[${code}m${text}\u001b[0m` : text
  const read: unknown = JSON.parse(line)
  if (typeof read !== 'object' || read === null) return line
  const { level, time, message, ...fields } = read as Record<string, unknown> // an object, as just seen
  const beside: string[] = []
  const below: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'object' || value === null) beside.push(`${paint(faint, `${name}=`)}${shown(value)}`)
    else if (Array.isArray(value)) below.push(...value.map((item) => `    ${shown(item, true)}`))
    else below.push(...errorLines(value))
  }
  const name = String(level)
  const clock = String(time).slice(11, 23)
  const head = `${paint(faint, clock)} ${paint(colours[name] ?? 0, name.toUpperCase().padEnd(5))} ${shown(message, true)}`
  return `${[[head, ...beside].join('  '), ...below].join('\n')}\n`
}

// a cause stands below its effect; frames as they are
function errorLines(error: object, depth = 1): string[] {
  const { kind, code, message, frames, cause, ...more } = error as Record<string, unknown> // as `describeError` writes it
  const indent = '    '.repeat(depth)
  const words = [
    kind,
    code,
    message,
    ...Object.entries(more).map(([name, value]) => `${name}=${shown(value)}`),
  ]
  const first = words.flatMap((word) => (word === undefined ? [] : [shown(word, true)])).join(' ')
  const stack = Array.isArray(frames) ? frames.map((frame) => `${indent}    ${shown(frame, true)}`) : []
  const below = typeof cause === 'object' && cause !== null ? errorLines(cause, depth + 1) : []
  return [`${indent}${first}`, ...stack, ...below]
}

/** A value that turns no line and hides nothing; prose needs no quotation marks. */
function shown(value: unknown, isProse = false): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  const safe = printable(JSON.stringify(value))
  if (isProse) return safe.slice(1, -1).replaceAll('\\"', '"')
  return /^[^\s"\\=]+$/.test(value) && safe.length === value.length + 2 ? value : safe
}
