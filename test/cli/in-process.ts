import { PassThrough } from 'node:stream'
import { cli } from '../../src/cli/cli.js'

/** What a command came to. */
export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `ror-gateway` with these arguments in this process, in English unless the variables say otherwise. */
export async function command(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  stdin?: AsyncIterable<string | Uint8Array>,
): Promise<CommandResult> {
  const [stdout, stderr] = [collector(), collector()]
  const code = await cli(args, {
    stdout: stdout.stream,
    stderr: stderr.stream,
    variables: { LANG: 'C', ...variables },
    ...(stdin !== undefined && { stdin }),
  })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

function collector(): { readonly stream: PassThrough; text(): string } {
  const stream = new PassThrough()
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => (text += chunk))
  return {
    stream,
    text: () => {
      for (let rest: unknown = stream.read(); typeof rest === 'string'; rest = stream.read()) text += rest
      return text
    },
  }
}
