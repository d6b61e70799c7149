import { readFile } from 'node:fs/promises'
import { formatDiagnostic } from '../core/diagnostic.js'
import { explainRequest, type Explanation } from '../gateway/explain.js'
import { readCertificates } from '../x509/material.js'
import { speakerFor } from './desk-output.js'
import { explainingPolicy } from './desk-source.js'
import { explainPast } from './explain-past.js'
import { tellExplanation } from './explain-text.js'
import {
  exit,
  instantOption,
  listOption,
  textOption,
  UsageError,
  type Verb,
  type VerbOptions,
} from './verb.js'

/** `ror-gateway explain`: why a request is, or was, decided as it is. */
export const explain: Verb = {
  name: 'explain',
  summary: 'tells what `serve` would make of a request and why, or what became of one of the audit trail',
  options: [
    {
      name: 'config',
      value: 'FILE',
      help: 'gateway.yaml; the keys and the token that lookups take are read where this user may',
    },
    {
      name: 'cert',
      value: 'FILE',
      help: "the client's certificate: PEM, DER or PKCS#7, its intermediates beside it",
    },
    {
      name: 'request',
      value: 'TEXT',
      help: 'method and target: "PATCH /path?query"; the target may be a whole URL',
    },
    { name: 'host', value: 'HOST', help: 'Host and server name (default: those of the API at the path)' },
    { name: 'header', value: 'FIELD', multiple: true, help: 'a field, "Name: value"' },
    { name: 'body', value: 'FILE', help: 'the body' },
    { name: 'env', value: 'NAME', help: 'environment (default: that of the host, or of the certificate)' },
    { name: 'at', value: 'TIME', help: 'the moment it is judged at (default: now)' },
    { name: 'request-id', value: 'ID', help: 'a past request instead, by the X-Request-Id of its answer' },
    {
      name: 'audit',
      value: 'FILE',
      multiple: true,
      help: 'with --request-id: the audit trail (default: the one that --config names)',
    },
    { name: 'json', help: 'the answer as JSON' },
  ],
  examples: [
    'ror-gateway explain --config gateway.yaml --cert partner.pem --request "GET /ws-diffusion-fhir/Location"',
    'ror-gateway explain --config gateway.yaml --cert partner.pem --request "PATCH /ws-synchro-dispo-lits-fhir/Location?identifier=1350054680/SSR38888" --body patch.json',
    'ror-gateway explain --request-id 3f1c… --config gateway.yaml',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    if (textOption(options, 'request-id') !== undefined) return explainPast(options, streams)
    const config = textOption(options, 'config')
    const request = textOption(options, 'request')
    if (config === undefined || request === undefined) throw new UsageError('expected --config and --request')
    const asked = readRequest(request, textOption(options, 'host'))
    const fields = listOption(options, 'header').map(readField)
    const { policy, gaps } = await explainingPolicy(config)
    for (const gap of gaps) speaker.note(formatDiagnostic(gap))
    const explained = await explainRequest({
      policy,
      ...(await readCertificate(options)),
      ...asked,
      environment: textOption(options, 'env'),
      fields,
      body: await readBody(options),
      at: instantOption(options, 'at') ?? Date.now(),
    })
    if (!explained.ok) throw new UsageError(explained.problem)
    if (options['json'] === true) speaker.json(explained.value)
    else tellExplanation(speaker, explained.value)
    return exitOf(explained.value)
  },
}

function exitOf({ effect }: Explanation): number {
  switch (effect) {
    case 'permit':
      return exit.done
    case 'deny':
      return exit.denied
    case 'fail':
      return exit.couldNot
  }
}

function readRequest(
  text: string,
  host: string | undefined,
): { method: string; target: string; host: string | undefined } {
  const [, method = '', rest = ''] = /^(\S+) +(.+)$/.exec(text) ?? []
  if (rest === '') throw new UsageError(`--request: expected a method and a target, found \`${text}\``)
  const url = /^https:\/\/([^/?#]+)([^#]*)$/i.exec(rest)
  if (url === null) return { method, target: rest, host }
  const [, authority = '', target = ''] = url
  return { method, target: target.startsWith('/') ? target : `/${target}`, host: host ?? authority }
}

function readField(text: string): readonly [string, string] {
  const [, name = '', value = ''] = /^([^:\s]+):[ \t]*(.*)$/s.exec(text) ?? []
  if (name === '') throw new UsageError(`--header: expected \`Name: value\`, found \`${text}\``)
  return [name, value]
}

async function readCertificate(
  options: VerbOptions,
): Promise<{ certificate: Uint8Array | undefined; presented: readonly Uint8Array[] }> {
  const path = textOption(options, 'cert')
  if (path === undefined) return { certificate: undefined, presented: [] }
  const read = readCertificates(await readFile(path))
  if (!read.ok) throw new Error(`${path}: ${read.problem.message}`)
  const leaf = read.value.find(({ basicConstraints }) => basicConstraints?.ca !== true) ?? read.value[0]
  return {
    certificate: leaf?.der,
    presented: read.value.filter((each) => each !== leaf).map(({ der }) => der),
  }
}

async function readBody(options: VerbOptions): Promise<Uint8Array | undefined> {
  const path = textOption(options, 'body')
  return path === undefined ? undefined : readFile(path)
}
