import { parseArgs } from 'node:util'
import { alternatives, suggestion } from '../config/spelling.js'
import { parseValidity, type ValidityEdge } from '../config/paris-day.js'

/** Exit codes, the same for every verb. */
export const exit = { done: 0, couldNot: 1, denied: 2, invalid: 3, usage: 64 } as const

/** Where a verb writes; the real streams, or a test's. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** What `-` is read from; that of the process where absent. */
  readonly stdin?: AsyncIterable<string | Uint8Array>
  /** Environment variables (language, colours); those of the process where absent. */
  readonly variables?: Readonly<Record<string, string | undefined>>
}

/** An option as a verb declares it: long name, value or flag, and its line of help. */
export interface OptionDeclaration {
  readonly name: string
  /** What stands for the value in the help (`FILE`); undefined: a flag. */
  readonly value?: string
  readonly default?: string
  readonly required?: boolean
  /** May be given several times; its value is a list (`listOption`). */
  readonly multiple?: boolean
  readonly help: string
}

/** An argument without a name; it is found among the options under its name in lower case. */
export interface PositionalDeclaration {
  /** As the help shows it: `OLD`. */
  readonly name: string
  /** Takes all that are left, none at all only where it is optional. */
  readonly multiple?: boolean
  readonly optional?: boolean
  readonly help: string
}

export interface Verb {
  readonly name: string
  readonly summary: string
  readonly positionals?: readonly PositionalDeclaration[]
  readonly options: readonly OptionDeclaration[]
  readonly examples: readonly string[]
  run(options: VerbOptions, streams: Streams): Promise<number>
}

/** The options and positional arguments as given; a flag is `true`. */
export type VerbOptions = Readonly<Record<string, OptionValue>>

type OptionValue = string | boolean | readonly string[] | undefined

const help: OptionDeclaration = { name: 'help', help: 'show this help' }

/** A mistake in the command line: exit code 64 and its message. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The options of a command line, by the verb's declaration. @throws UsageError, naming the argument */
export function parseOptions(verb: Verb, args: readonly string[]): VerbOptions {
  const declared = [...verb.options, help]
  const options = Object.fromEntries(
    declared.map(({ name, multiple = false, ...option }) => [
      name,
      { type: option.value === undefined ? ('boolean' as const) : ('string' as const), multiple },
    ]),
  )
  let values: Readonly<Record<string, OptionValue>>
  let positionals: readonly string[]
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    positionals = parsed.positionals
    // an option is text or a flag, or a list of text where it is `multiple`: no flag is
    values = parsed.values as Readonly<Record<string, OptionValue>> // as declared above
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(messageOf(error, declared))
  }
  const filled: Record<string, OptionValue> = { ...values }
  if (values['help'] === true) return filled
  for (const { name, value, default: preset, required } of verb.options) {
    filled[name] ??= preset
    if (required === true && filled[name] === undefined)
      throw new UsageError(`expected --${name} ${value ?? ''}`)
  }
  return { ...filled, ...namePositionals(verb.positionals ?? [], positionals) }
}

function namePositionals(
  declared: readonly PositionalDeclaration[],
  given: readonly string[],
): Record<string, OptionValue> {
  const named: Record<string, OptionValue> = {}
  let next = 0
  for (const { name, multiple, optional } of declared) {
    if (optional !== true && given[next] === undefined) throw new UsageError(`expected ${name}`)
    named[name.toLowerCase()] = multiple === true ? given.slice(next) : given[next]
    next += multiple === true ? given.length : 1
  }
  const stray = given[next]
  if (stray !== undefined) throw new UsageError(`unexpected argument \`${stray}\``)
  return named
}

/** A value that must be text. */
export function textOption(options: VerbOptions, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** The values of an option or positional that is declared `multiple`. */
export function listOption(options: VerbOptions, name: string): readonly string[] {
  const value = options[name]
  return typeof value === 'object' ? value : []
}

/** A whole number within bounds. @throws UsageError */
export function portOption(options: VerbOptions, name: string): number {
  const text = textOption(options, name) ?? ''
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65535) {
    throw new UsageError(`--${name}: expected a port from 0 to 65535, found \`${text}\``)
  }
  return port
}

/** A whole number of at least 0; undefined where the option is absent. @throws UsageError */
export function wholeOption(options: VerbOptions, name: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name}: expected a whole number, found \`${text}\``)
  return Number(text)
}

/**
 * A day of Paris (its first instant, or the one behind its last) or an instant of ISO 8601, as epoch
 * milliseconds. @throws UsageError
 */
export function instantOption(
  options: VerbOptions,
  name: string,
  edge: ValidityEdge = 'from',
): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const at = parseValidity(text, edge)
  if (!at.ok) throw new UsageError(`--${name}: ${at.problem.message}, found \`${text}\``)
  return at.value
}

/** One of a closed list of words. @throws UsageError, with the list */
export function choiceOption<Choice extends string>(
  options: VerbOptions,
  name: string,
  choices: readonly Choice[],
): Choice {
  const asked = textOption(options, name) ?? ''
  const choice = choices.find((each) => each === asked)
  if (choice !== undefined) return choice
  throw new UsageError(
    `--${name}: expected ${alternatives(choices)}, found \`${asked}\`${suggestion(asked, choices)}`,
  )
}

/** The help text of a verb. */
export function helpOf(verb: Verb): string {
  const positionals = verb.positionals ?? []
  const rows = [...verb.options, help].map((option) => {
    const left = option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`
    const preset = option.default === undefined ? '' : ` (default ${option.default})`
    return `  ${left.padEnd(26)} ${option.help}${preset}`
  })
  return [
    `ror-gateway ${verb.name}: ${verb.summary}`,
    '',
    `Usage: ${usageOf(verb)}`,
    '',
    ...(positionals.length === 0 ? [] : ['Arguments', ...positionals.map(argumentRow), '']),
    'Options',
    ...rows,
    '',
    'Examples',
    ...verb.examples.map((example) => `  ${example}`),
    '',
    'Exit codes: 0 done, 1 could not, 2 denied, 3 invalid, 64 usage',
    '',
  ].join('\n')
}

/** The verb's command line in one: `ror-gateway diff OLD NEW [OPTIONS]`. */
function usageOf({ name, positionals = [] }: Verb): string {
  const shown = positionals.map((each) => {
    const argument = each.multiple === true ? `${each.name}…` : each.name
    return each.optional === true ? `[${argument}]` : argument
  })
  return ['ror-gateway', name, ...shown, '[OPTIONS]'].join(' ')
}

function argumentRow({ name, help: says }: PositionalDeclaration): string {
  return `  ${name.padEnd(26)} ${says}`
}

// the parser's own words are for programmers
function messageOf(error: unknown, declared: readonly OptionDeclaration[]): string {
  const text = error instanceof Error ? error.message : String(error)
  const unknown = /Unknown option '(--?[^']+)'/.exec(text)?.[1]
  if (unknown !== undefined) {
    const known = declared.map(({ name }) => `--${name}`)
    const near = suggestion(unknown, known)
    return `unknown option \`${unknown}\`${near === '' ? `; known are ${known.join(', ')}` : near}`
  }
  const named = /'(?:-\w, )?--([\w-]+)/.exec(text)?.[1]
  const option = declared.find(({ name }) => name === named)
  if (option === undefined) return text.split('. ', 1).join('').toLowerCase()
  return option.value === undefined
    ? `--${option.name} takes no value`
    : `--${option.name}: expected ${option.value} behind it`
}
