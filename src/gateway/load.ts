import type { Diagnostic, Place } from '../core/diagnostic.js'
import type { Result } from '../core/result.js'
import { openWhitelist } from '../core/whitelist-table.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import type { CrlSource, EnvironmentConfig, PlacedPath } from '../config/gateway-config.js'
import { parseGatewayConfig } from '../config/gateway-file.js'
import type { Certificate } from '../x509/certificate.js'
import { readCrls, verifyCrl } from '../x509/crl.js'
import { readCertificates } from '../x509/material.js'
import { strayFindings } from './expiry.js'
import { largest, LoadFiles, type Overlay } from './load-files.js'
import { loadAuthorization, loadLookupMaterial } from './lookup-material.js'
import { WhitelistLoader, type NamedCertificate } from './load-whitelist.js'
import type { ListedCrl, LoadedEnvironment, LoadedPolicy, ReadSet, ServerMaterial } from './policy.js'
import { readServerMaterial } from './server-material.js'
import { loadUpstreamMaterial } from './upstream-material.js'

/** Why nothing was loaded; `readSet` still says which files to look at until it is mended. */
export interface LoadProblem {
  readonly revision: string
  readonly diagnostics: readonly Diagnostic[]
  readonly readSet: ReadSet
  /** Says nothing about the files: the process was short of something, so trying again may succeed. */
  readonly isPassing: boolean
}

/** A whitelist that was loaded without a configuration. */
export interface LoadedWhitelist {
  readonly whitelist: OpenWhitelist
  readonly named: readonly NamedCertificate[]
  readonly warnings: readonly Diagnostic[]
}

/** How much of a configuration a tool needs; `serve` needs all of it. */
export type LoadScope =
  | 'serve'
  /** As `judge`, and what lookups are made with; what cannot be read of that is a warning (`lookup-gap`). */
  | 'explain'
  /** What requests are judged by: no server certificates, no private keys. */
  | 'judge'
  /** gateway.yaml and the whitelists alone. */
  | 'whitelist'

const noServer: ServerMaterial = { certificates: [], ticketSecret: undefined }

/**
 * Reads and compiles everything that `serve` runs on, or tells all that is wrong with it at once.
 *
 * `check` calls it as it is; `serve` calls it in a worker thread, since 100,000 partners take seconds.
 *
 * @param scope - what a tool leaves unread is not judged either, and stands empty in what was loaded
 * @param overlay - files that are read as if they stood there already: a change, judged before it is made
 */
export function loadPolicy(
  file: string,
  scope: LoadScope = 'serve',
  overlay: Overlay = new Map(),
): Promise<Result<LoadedPolicy, LoadProblem>> {
  return new Loader(file, scope, new LoadFiles(overlay)).load()
}

/** A whitelist file or folder by itself, whatever APIs it grants: for tools that compare and list. */
export async function loadWhitelist(
  path: string,
  overlay: Overlay = new Map(),
): Promise<Result<LoadedWhitelist, LoadProblem>> {
  const files = new LoadFiles(overlay)
  const whitelist = { path, place: { file: path, line: 1, column: 1 } }
  const loader = new WhitelistLoader({ whitelist, environment: undefined }, files)
  const compiled = await loader.load()
  const { revision, readSet, diagnostics, isPassing } = files
  if (compiled === undefined || diagnostics.some(({ severity }) => severity === 'error')) {
    return { ok: false, problem: { revision, readSet, diagnostics, isPassing } }
  }
  return {
    ok: true,
    value: { whitelist: openWhitelist(compiled), named: loader.named, warnings: diagnostics },
  }
}

class Loader {
  private readonly file: string
  private readonly scope: LoadScope
  private readonly files: LoadFiles
  private readonly named: NamedCertificate[] = []

  constructor(file: string, scope: LoadScope, files: LoadFiles) {
    this.file = file
    this.scope = scope
    this.files = files
  }

  async load(): Promise<Result<LoadedPolicy, LoadProblem>> {
    const start: Place = { file: this.file, line: 1, column: 1 }
    const text = await this.files.readText({ path: this.file, place: start }, largest.config)
    const parsed = text === undefined ? undefined : parseGatewayConfig({ file: this.file, text })
    this.files.diagnostics.push(...(parsed?.diagnostics ?? []))
    const config = parsed?.config
    const environments: (LoadedEnvironment | undefined)[] = []
    for (const environment of config?.environments ?? [])
      environments.push(await this.loadEnvironment(environment))
    const whole = environments.filter((environment) => environment !== undefined)
    this.files.diagnostics.push(...strayFindings(this.named, whole))
    const { revision, readSet, diagnostics, isPassing } = this.files
    const hasError = diagnostics.some(({ severity }) => severity === 'error')
    if (config === undefined || hasError || whole.length < environments.length) {
      return { ok: false, problem: { revision, readSet, diagnostics, isPassing } }
    }
    const { named } = this
    return {
      ok: true,
      value: { revision, config, environments: whole, readSet, named, warnings: diagnostics },
    }
  }

  private async loadEnvironment(config: EnvironmentConfig): Promise<LoadedEnvironment | undefined> {
    const server = this.scope === 'serve' ? await this.loadServer(config) : noServer
    const authorities: Certificate[] = []
    const { clientCa, crl } = this.scope === 'whitelist' ? { clientCa: [], crl: [] } : config.tls
    for (const path of clientCa) authorities.push(...(await this.loadAuthorities(path)))
    const crls: ListedCrl[] = []
    for (const path of crl) crls.push(...(await this.loadCrls(path, authorities)))
    const loader = new WhitelistLoader({ whitelist: config.whitelist, environment: config }, this.files)
    const whitelist = await loader.load()
    this.named.push(...loader.named)
    const upstreams = await this.loadUpstreams(config)
    if (server === undefined || whitelist === undefined) return undefined
    return { config, server, authorities, crls, whitelist, ...upstreams }
  }

  private async loadUpstreams(
    config: EnvironmentConfig,
  ): Promise<Omit<LoadedEnvironment, 'config' | 'server' | 'authorities' | 'crls' | 'whitelist'>> {
    if (this.scope === 'explain') return loadLookupMaterial(config, this.files)
    if (this.scope !== 'serve') return loadUpstreamMaterial([], this.files)
    const material = await loadUpstreamMaterial(config.apis, this.files)
    return { ...material, resolutionAuthorization: await loadAuthorization(config, this.files) }
  }

  private async loadServer({ tls }: EnvironmentConfig): Promise<ServerMaterial | undefined> {
    const certificates: { certificate: string; key: string }[] = []
    for (const paths of [tls, ...tls.certificates]) {
      const certificate = await this.files.readText(paths.certificate, largest.material)
      const key = await this.files.readText(paths.key, largest.material)
      if (certificate !== undefined && key !== undefined) certificates.push({ certificate, key })
    }
    const { ticketKeysFile } = tls
    const secretText =
      ticketKeysFile === undefined ? undefined : await this.files.readText(ticketKeysFile, largest.material)
    const isWhole = ticketKeysFile === undefined || secretText !== undefined
    if (!isWhole || certificates.length <= tls.certificates.length) return undefined
    const read = readServerMaterial({ tls, certificates, secretText })
    if (read.ok) return read.value
    this.files.diagnostics.push(...read.problem)
    return undefined
  }

  private async loadAuthorities(path: PlacedPath): Promise<readonly Certificate[]> {
    const bytes = await this.files.readBytes(path, largest.material)
    if (bytes === undefined) return []
    const read = readCertificates(bytes)
    if (!read.ok) {
      this.files.refuse(path.place, 'client-ca', `\`${path.path}\`: ${read.problem.message}`)
      return []
    }
    for (const { basicConstraints } of read.value) {
      if (basicConstraints?.ca === true) continue
      this.files.refuse(path.place, 'client-ca', `\`${path.path}\` holds a certificate that is no authority`)
    }
    return read.value
  }

  private async loadCrls(
    path: CrlSource,
    authorities: readonly Certificate[],
  ): Promise<readonly ListedCrl[]> {
    const bytes =
      path.url === undefined
        ? await this.files.readBytes(path, largest.material)
        : await this.files.readIfThere(path, largest.material)
    if (bytes === undefined) return []
    const read = readCrls(bytes)
    if (!read.ok) {
      this.files.refuse(path.place, 'crl', `\`${path.path}\`: ${read.problem.message}`)
      return []
    }
    return read.value.flatMap((crl) => {
      const verified = verifyCrl(crl, authorities)
      if (verified.ok) return [{ ...verified.value, file: path.path, place: path.place }]
      this.files.refuse(path.place, verified.problem.code, `\`${path.path}\`: ${verified.problem.message}`)
      return []
    })
  }
}
