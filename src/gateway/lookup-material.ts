import type { Api } from '../core/api.js'
import type { Diagnostic } from '../core/diagnostic.js'
import type { EnvironmentConfig } from '../config/gateway-config.js'
import type { UpstreamTls } from '../http/forwarder.js'
import { largest, LoadFiles } from './load-files.js'
import type { LoadedEnvironment } from './policy.js'
import { loadUpstreamMaterial } from './upstream-material.js'

type LookupMaterial = Pick<
  LoadedEnvironment,
  'resolutionAuthorization' | 'upstreamTls' | 'upstreamCertificates' | 'lookupGaps'
>

/** The `Authorization` of the gateway's own reads, where there is one; what is wrong with it is told to `files`. */
export async function loadAuthorization(
  { resolution }: EnvironmentConfig,
  files: LoadFiles,
): Promise<string | undefined> {
  const { authorizationFile } = resolution
  if (authorizationFile === undefined) return undefined
  const text = await files.readText(authorizationFile, largest.secret)
  const line = text?.replace(/\r?\n$/, '')
  if (line === undefined || /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(line)) return line
  const message = `expected one line of printable ASCII in \`${authorizationFile.path}\`, such as \`Bearer …\``
  files.refuse(authorizationFile.place, 'authorization-file', message)
  return undefined
}

/**
 * What lookups are made with, for a tool that may not be allowed to read all of it.
 *
 * What cannot be read is a warning to `files`, and a gap: a lookup made with less than the gateway's own
 * material could be answered otherwise, so it is not to be made.
 */
export async function loadLookupMaterial(
  config: EnvironmentConfig,
  files: LoadFiles,
): Promise<LookupMaterial> {
  const { apis, resolution } = config
  const sources = apis.filter(({ name, writes }) =>
    resolution.api === undefined ? writes.length > 0 : name === resolution.api,
  )
  const upstreamTls = new Map<string, UpstreamTls>()
  const lookupGaps = new Map<string, string>()
  const isUsed = (api: Api): boolean => (resolution.api === undefined ? [api] : apis).some(looksUp)
  // read apart: what a tool may read changes neither the revision nor whether the rest is whole
  const secret = new LoadFiles()
  const resolutionAuthorization = sources.length === 0 ? undefined : await loadAuthorization(config, secret)
  if (sources.some(isUsed))
    files.diagnostics.push(...secret.diagnostics.map((each) => asGap(each, config.name)))
  for (const api of sources) {
    const material = new LoadFiles()
    const read = await loadUpstreamMaterial([api], material)
    for (const [name, tls] of read.upstreamTls) upstreamTls.set(name, tls)
    const problems = [...secret.diagnostics, ...material.diagnostics].map(({ message }) => message)
    if (problems.length > 0) lookupGaps.set(api.name, problems.join('; '))
    if (isUsed(api))
      files.diagnostics.push(...material.diagnostics.map((each) => asGap(each, config.name, api.name)))
  }
  return { resolutionAuthorization, upstreamTls, upstreamCertificates: [], lookupGaps }
}

/** Code of the warnings that `loadLookupMaterial` gives. */
export const lookupGap = 'lookup-gap'

// whoever opens no write by an id is not to hear of keys that nothing would use
function looksUp({ writes }: Api): boolean {
  return writes.some(({ storedType, establishment, also }) => {
    const isByQuery = establishment.from === 'query' && establishment.resolve !== undefined
    const isByReference = establishment.from === 'reference' || also?.from === 'reference'
    return storedType !== undefined || isByQuery || isByReference
  })
}

function asGap({ place, message }: Diagnostic, environment: string, api?: string): Diagnostic {
  const where = api === undefined ? `\`${environment}\`` : `\`${api}\` of \`${environment}\``
  const without = `lookups in ${where} cannot be made as the gateway makes them, so they are not made`
  return { severity: 'warning', code: lookupGap, place, message: `${message}: ${without}` }
}
