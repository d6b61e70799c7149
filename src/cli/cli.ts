import { diff } from './diff.js'
import { explain } from './explain.js'
import { health } from './health.js'
import { importVerb } from './import.js'
import { list } from './list.js'
import { report } from './report.js'
import { reload } from './reload.js'
import { remove } from './remove.js'
import { renew } from './renew.js'
import { show } from './show.js'
import { whoCan } from './who-can.js'
import { InvalidSource } from './desk-source.js'
import { audit } from './audit.js'
import { check } from './check.js'
import { dev } from './dev.js'
import { serve } from './serve.js'
import { suggestion } from '../config/spelling.js'
import { exit, helpOf, parseOptions, UsageError, type Streams, type Verb } from './verb.js'
import { version } from './version.js'

/** Every verb, as the overview shows them. */
export const verbs: readonly Verb[] = [
  serve,
  check,
  health,
  audit,
  dev,
  importVerb,
  renew,
  remove,
  diff,
  explain,
  whoCan,
  show,
  list,
  report,
  reload,
]

/** The command line: one verb, its options; answers the exit code and never throws. */
export async function cli(args: readonly string[], streams: Streams): Promise<number> {
  // `help VERB` is `VERB --help`
  const [name, ...rest] = args[0] === 'help' && args[1] !== undefined ? [args[1], '--help'] : args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    streams.stdout.write(overview())
    return name === undefined ? exit.usage : exit.done
  }
  if (name === '--version' || name === 'version') {
    streams.stdout.write(`ror-gateway ${version}\n`)
    return exit.done
  }
  const verb = verbs.find((each) => each.name === name)
  if (verb === undefined) {
    const known = verbs.map((each) => each.name)
    const near = suggestion(name, known)
    streams.stderr.write(
      `ror-gateway: unknown verb \`${name}\`${near === '' ? `; known are ${known.join(', ')}` : near}\n`,
    )
    return exit.usage
  }
  try {
    const options = parseOptions(verb, rest)
    if (options['help'] === true) {
      streams.stdout.write(helpOf(verb))
      return exit.done
    }
    return await verb.run(options, streams)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof UsageError) {
      streams.stderr.write(`ror-gateway ${verb.name}: ${message}\ntry: ror-gateway ${verb.name} --help\n`)
      return exit.usage
    }
    if (error instanceof InvalidSource) {
      streams.stderr.write(`${message}\n`)
      return exit.invalid
    }
    streams.stderr.write(`ror-gateway ${verb.name}: ${message}\n`)
    return exit.couldNot
  }
}

function overview(): string {
  return [
    'ror-gateway: lets listed partners reach the national ROR APIs, and tells the others why not',
    '',
    'Usage: ror-gateway VERB [OPTIONS]',
    '',
    ...verbs.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`),
    '',
    'ror-gateway VERB --help shows the options of a verb, with examples',
    '',
  ].join('\n')
}
