import type { DenialReason } from '../core/reasons.js'
import { establishments, type DevelopmentPorts } from './development-config.js'
import { hosts } from './pki-plan.js'

/** One request to try, and what comes of it. */
export interface FirstCall {
  readonly title: string
  readonly status: number
  /** Reason of the refusal; undefined where the ROR answers. */
  readonly reason: DenialReason | undefined
  /** Arguments of `curl`. */
  readonly arguments: readonly string[]
}

/** Where the files stand: the development folder as it is to be written in a command line. */
export interface CallContext {
  readonly folder: string
  readonly ports: DevelopmentPorts
}

/** Body of the permitted capacity PATCH, below the development folder. */
export const capacityBodyFile = 'requests/capacity-replace.json'

interface Ask {
  readonly title: string
  readonly environment?: keyof typeof hosts
  readonly host?: 'authorization' | 'fhir'
  /** `test/eai`; undefined: without a certificate. */
  readonly client?: string
  readonly path: string
  readonly more?: readonly string[]
}

const search = '/ws-diffusion-fhir/Location?identifier=1350054680/SSR38888'
const patchPath = '/ws-synchro-dispo-lits-fhir/Location?identifier='
const columns = 98

/** The requests, first those that pass, then the refusals, each for another reason. */
export function firstCalls(context: CallContext): readonly FirstCall[] {
  const call = (status: number, reason: DenialReason | undefined, ask: Ask): FirstCall => ({
    title: ask.title,
    status,
    reason,
    arguments: argumentsOf(context, ask),
  })
  const patch = [
    ...['-X', 'PATCH', '-H', 'Content-Type: application/fhir+json'],
    ...['--data-binary', `@${context.folder}/${capacityBodyFile}`],
  ]
  const soap = [
    ...['-H', 'Content-Type: text/xml', '--data-binary'],
    '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>' +
      '<careServicesRequest xmlns="urn:ihe:iti:csd:2013"/></Body></Envelope>',
  ]
  const passing = [
    call(200, undefined, { title: 'a consumer searches', client: 'test/consumer-fhir', path: search }),
    call(200, undefined, {
      title: 'a token for the EAI, bound to its certificate',
      host: 'authorization',
      client: 'test/eai',
      path: '/auth/realms/ror/protocol/openid-connect/token',
      more: ['-d', 'client_id=eai-bretagne&grant_type=client_credentials'],
    }),
    call(200, undefined, {
      title: 'the EAI writes a bed capacity for an establishment of its list',
      client: 'test/eai',
      path: `${patchPath}1${establishments.ssr}/SSR38888`,
      more: patch,
    }),
    call(404, undefined, {
      title: 'the same for a unit the ROR does not know: its own 404 comes through',
      client: 'test/eai',
      path: `${patchPath}1${establishments.ssr}/NULLEPART`,
      more: patch,
    }),
    call(200, undefined, {
      title: 'self-diagnosis: what the gateway sees, with any certificate of the environment',
      client: 'test/unlisted',
      path: `/.well-known/ror-gateway/connection?establishment=${establishments.ssr}`,
    }),
    call(200, undefined, {
      title: 'a CSD consumer, known by its public key',
      client: 'test/consumer-csd',
      path: '/csd',
      more: soap,
    }),
    call(200, undefined, {
      title: 'production, with a PROD certificate',
      environment: 'production',
      client: 'prod/consumer-fhir',
      path: search,
    }),
  ]
  const refused = [
    call(401, 'certificate-missing', { title: 'without a certificate', path: search }),
    call(401, 'certificate-other-environment', {
      title: 'a TEST certificate in production',
      environment: 'production',
      client: 'test/consumer-fhir',
      path: search,
    }),
    call(401, 'certificate-expired', {
      title: 'an expired certificate',
      client: 'test/expired',
      path: search,
    }),
    call(401, 'certificate-revoked', {
      title: 'a revoked certificate',
      client: 'test/revoked',
      path: search,
    }),
    call(401, 'certificate-purpose', {
      title: "a person's certificate, not an organisation's",
      client: 'test/person',
      path: search,
    }),
    call(403, 'certificate-not-listed', {
      title: 'a certificate that is not listed yet',
      client: 'test/unlisted',
      path: search,
    }),
    call(403, 'establishment-not-permitted', {
      title: 'the SaaS writes for an establishment of the EAI',
      client: 'test/saas',
      path: `${patchPath}1${establishments.ssr}/SSR38888`,
      more: patch,
    }),
    call(403, 'establishment-unresolvable', {
      title: 'a functional id, which names no establishment',
      client: 'test/eai',
      path: `${patchPath}52/192675`,
      more: patch,
    }),
    call(403, 'write-not-described', {
      title: 'a write that no rule describes',
      client: 'test/eai',
      path: '/ws-diffusion-fhir/Organization/2001',
      more: ['-X', 'DELETE'],
    }),
    call(403, 'certificate-not-listed', {
      title: 'CSD with a certificate whose key is not listed: a SOAP Fault',
      client: 'test/eai',
      path: '/csd',
      more: soap,
    }),
  ]
  return [...passing, ...refused]
}

/** The calls as a page for a terminal of 100 columns, each to be copied into a shell. */
export function formatFirstCalls(calls: readonly FirstCall[]): string {
  const blocks = calls.map((call, index) => {
    const outcome = call.reason === undefined ? String(call.status) : `${call.status} ${call.reason}`
    return `# ${index + 1}. ${call.title} → ${outcome}\n${formatCommand(call.arguments)}\n`
  })
  const firstRefusal = calls.findIndex(({ reason }) => reason !== undefined)
  if (firstRefusal > 0) blocks.splice(firstRefusal, 0, '# What is refused, and why\n')
  return ['# What passes\n', ...blocks].join('\n')
}

function argumentsOf({ folder, ports }: CallContext, ask: Ask): readonly string[] {
  const { environment = 'sandbox', host = 'fhir', client, more = [] } = ask
  const name = hosts[environment][host]
  const port = ports[environment]
  const certificate =
    client === undefined
      ? []
      : ['--cert', `${folder}/pki/${client}.pem`, '--key', `${folder}/pki/${client}.key`]
  return [
    ...['-sSi', '--cacert', `${folder}/pki/server-ca.pem`],
    ...certificate,
    ...['--resolve', `${name}:${port}:127.0.0.1`],
    ...more,
    `https://${name}:${port}${ask.path}`,
  ]
}

// options stay beside their values; a line that would grow too long begins a new one
function formatCommand(words: readonly string[]): string {
  const lines: string[] = []
  let line = 'curl'
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    const isOption = word.startsWith('-') && word !== '-sSi'
    const value = words[index + 1]
    const piece = isOption && value !== undefined ? `${word} ${quoted(value)}` : quoted(word)
    if (isOption) index += 1
    if (line.length + 1 + piece.length > columns - 2) {
      lines.push(line)
      line = `  ${piece}`
    } else {
      line += ` ${piece}`
    }
  }
  return [...lines, line].map(broken).join(' \\\n')
}

// a URL or body longer than the terminal is cut into two quoted halves that the shell joins again
function broken(line: string): string {
  if (line.length <= columns || !line.endsWith("'")) return line
  const url = /^(.*'https:\/\/[^/']+)(\/.*)$/.exec(line)
  const [, head, tail] = url ?? /^(.{1,90}>)(<.*)$/.exec(line) ?? []
  return head === undefined || tail === undefined ? line : `${head}'\\\n${broken(`'${tail}`)}`
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
