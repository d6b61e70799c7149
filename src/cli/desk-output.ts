import { relative } from 'node:path'
import type { Place } from '../core/diagnostic.js'
import { languageOf, type Language } from './language.js'
import { paintFor, type Paint } from './paint.js'
import type { Streams } from './verb.js'

/** How a verb of the desk speaks: in whose language, with which colours, where to. */
export interface Speaker {
  readonly language: Language
  readonly paint: Paint
  say(line: string): void
  /** On the standard error: what is not the answer itself. */
  note(line: string): void
  json(value: unknown): void
}

/** The speaker for these streams. */
export function speakerFor(streams: Streams): Speaker {
  const variables = streams.variables ?? process.env
  return {
    language: languageOf(variables),
    paint: paintFor(streams.stdout, variables),
    say: (line) => {
      streams.stdout.write(`${line}\n`)
    },
    note: (line) => {
      streams.stderr.write(`${line}\n`)
    },
    json: (value) => {
      streams.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    },
  }
}

/** A path as people have it before them: from the working folder, where it stands below. */
export function shownPath(path: string): string {
  const below = relative(process.cwd(), path)
  return below !== '' && !below.startsWith('..') && below.length < path.length ? below : path
}

/** A place as editors jump to it. */
export function shownPlace({ file, line, column }: Place): string {
  return `${shownPath(file)}:${line}:${column}`
}

/** An instant as a day, where it is one; otherwise in whole seconds of UTC. */
export function shownInstant(at: number): string {
  return new Date(at).toISOString().replace(/\.000Z$/, 'Z')
}

/** Rows as columns, two blanks between them; the last one is not padded. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
