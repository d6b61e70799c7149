import { parseArgs } from 'node:util'

/** Exit codes, the same for every verb. */
export const exit = { done: 0, couldNot: 1, denied: 2, invalid: 3, usage: 64 } as const

/** Where a verb writes; the real streams, or a test's. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** An option as a verb declares it: long name, value or flag, and its line of help. */
export interface OptionDeclaration {
  readonly name: string
  /** What stands for the value in the help (`FILE`); undefined: a flag. */
  readonly value?: string
  readonly default?: string
  readonly required?: boolean
  readonly help: string
}

export interface Verb {
  readonly name: string
  readonly summary: string
  readonly options: readonly OptionDeclaration[]
  readonly examples: readonly string[]
  run(options: VerbOptions, streams: Streams): Promise<number>
}

/** The options as given; a flag is `true`. */
export type VerbOptions = Readonly<Record<string, string | boolean | undefined>>

const help: OptionDeclaration = { name: 'help', help: 'show this help' }

/** A mistake in the command line: exit code 64 and its message. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The options of a command line, by the verb's declaration. @throws UsageError, naming the argument */
export function parseOptions(verb: Verb, args: readonly string[]): VerbOptions {
  const declared = [...verb.options, help]
  const options = Object.fromEntries(
    declared.map(({ name, ...option }) => [
      name,
      { type: option.value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  let values: VerbOptions
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    const [stray] = parsed.positionals
    if (stray !== undefined) throw new UsageError(`unexpected argument \`${stray}\``)
    // no option is declared `multiple`, so none is an array
    values = parsed.values
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(
      messageOf(
        error,
        declared.map(({ name }) => name),
      ),
    )
  }
  const filled: Record<string, string | boolean | undefined> = { ...values }
  for (const { name, default: preset, required } of verb.options) {
    filled[name] ??= preset
    if (required === true && filled[name] === undefined && values['help'] !== true) {
      throw new UsageError(`expected --${name}`)
    }
  }
  return filled
}

/** A value that must be text. */
export function textOption(options: VerbOptions, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
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

/** The help text of a verb. */
export function helpOf(verb: Verb): string {
  const rows = [...verb.options, help].map((option) => {
    const left = option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`
    const preset = option.default === undefined ? '' : ` (default ${option.default})`
    return `  ${left.padEnd(26)} ${option.help}${preset}`
  })
  return [
    `ror-gateway ${verb.name}: ${verb.summary}`,
    '',
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

function messageOf(error: unknown, known: readonly string[]): string {
  const text = error instanceof Error ? error.message : String(error)
  const unknown = /Unknown option '(--?[^']+)'/.exec(text)?.[1]
  if (unknown === undefined) return text.split('. ', 1).join('').toLowerCase()
  return `unknown option \`${unknown}\`; known are ${known.map((name) => `--${name}`).join(', ')}`
}
