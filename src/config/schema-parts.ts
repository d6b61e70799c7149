import { z } from 'zod'
import type { Result } from '../core/result.js'

/** JSON Schema keywords that tell an editor of a key what zod's own rendering cannot. */
export type EditorShape = Readonly<Record<string, unknown>>

const editorShapes = new WeakMap<object, EditorShape>()

/** What an editor is told of this schema in place of zod's rendering, or undefined. */
export function editorShapeOf(schema: object): EditorShape | undefined {
  return editorShapes.get(schema)
}

/** A key with the sentence that editors show and, where the text read is not what an editor sees, its shape there. */
export function key<Schema extends z.ZodType>(about: string, schema: Schema, shape?: EditorShape): Schema {
  const described = schema.describe(about)
  if (shape !== undefined) editorShapes.set(described, { description: about, ...shape })
  return described
}

const printable = /^[^\u0000-\u001f\u007f-\u009f]+$/

/** Any text of one line that says something. */
export const text = z.string().regex(printable, 'expected a text of one line')

/**
 * A text read by `parse`; what it says is wrong is told at the text, `offset` characters into it.
 *
 * A problem that begins with `expected` and names nothing found is completed with the text itself.
 */
export function reading<Value>(
  parse: (text: string) => Result<Value, { readonly message: string; readonly offset?: number }>,
) {
  return z.string().transform((text, context) => {
    const read = parse(text)
    if (read.ok) return read.value
    const { message, offset } = read.problem
    context.addIssue({ code: 'custom', message, params: { offset } })
    return z.NEVER
  })
}

/** A text that `troubleIn` finds nothing wrong with. */
export function sound(troubleIn: (text: string) => string | undefined) {
  return reading((text) => {
    const message = troubleIn(text)
    return message === undefined ? { ok: true, value: text } : { ok: false, problem: { message } }
  })
}

/** A path; relative ones start at the file that names them. */
export const path = text.max(4096, 'expected a path of at most 4096 characters')

/** A name of the DNS, or an IPv4 address. */
export const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

/** A list of at least one. */
export function someOf<Item extends z.ZodType>(item: Item): z.ZodArray<Item> {
  return z.array(item).min(1)
}

export interface WholeRange {
  readonly min: number
  readonly max: number
}

/** A whole number in decimal digits; YAML's failsafe schema hands it over as text. */
export function whole({ min, max }: WholeRange) {
  const expected = `expected a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,14})$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
}

/** A whole number with the value it has where the key is absent. */
export function wholeKey(about: string, range: WholeRange & { readonly default: number }) {
  const { min, max } = range
  const shape = { type: 'integer', minimum: min, maximum: max, default: range.default }
  return key(about, whole(range).default(range.default), shape)
}

/** `true` or `false`, and the value where the key is absent. */
export function flagKey(about: string, absent: boolean) {
  const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
  return key(about, flag.default(absent), { type: 'boolean', default: absent })
}
