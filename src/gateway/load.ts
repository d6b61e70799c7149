import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Diagnostic, Place } from '../core/diagnostic.js'
import type { CertificateIdentity, PartnerDeclaration } from '../core/partner.js'
import type { Result } from '../core/result.js'
import { WhitelistBuilder, type CompiledWhitelist } from '../core/whitelist-table.js'
import { readEstablishmentList } from '../config/establishment-list.js'
import type { EnvironmentConfig, PlacedPath } from '../config/gateway-config.js'
import { parseGatewayConfig } from '../config/gateway-file.js'
import { readWhitelistDocument, type PartnerDraft } from '../config/whitelist-file.js'
import type { FileProblem } from '../files/problem.js'
import { listFolder, readBounded } from '../files/read.js'
import type { Certificate } from '../x509/certificate.js'
import { readCrls, verifyCrl, type VerifiedRevocationList } from '../x509/crl.js'
import { readCertificates, readPins } from '../x509/material.js'
import type { LoadedEnvironment, LoadedPolicy, ReadSet, ServerMaterial } from './policy.js'
import { readServerMaterial } from './server-material.js'

/** Why nothing was loaded; `readSet` still says which files to look at until it is mended. */
export interface LoadProblem {
  readonly revision: string
  readonly diagnostics: readonly Diagnostic[]
  readonly readSet: ReadSet
}

const megabyte = 1024 * 1024
const largestConfig = 4 * megabyte
const largestWhitelistFile = 512 * megabyte
const largestMaterial = 64 * megabyte
/** The files of a whitelist folder that count. */
export const whitelistExtensions = ['.yaml', '.yml']

/**
 * Reads and compiles everything that `serve` runs on, or tells all that is wrong with it at once.
 *
 * `check` calls it as it is; `serve` calls it in a worker thread, since 100,000 partners take seconds.
 */
export function loadPolicy(file: string): Promise<Result<LoadedPolicy, LoadProblem>> {
  return new Loader(file).load()
}

/** Whether everything that a load read still reads the same; much cheaper than loading. */
export async function isUnchanged(read: ReadSet): Promise<boolean> {
  for (const [path, digest] of read) {
    const now = digest.startsWith('folder ') ? await folderDigest(path) : await fileDigest(path)
    if (now !== digest) return false
  }
  return true
}

class Loader {
  private readonly file: string
  private readonly readSet = new Map<string, string>()
  private readonly diagnostics: Diagnostic[] = []

  constructor(file: string) {
    this.file = file
  }

  async load(): Promise<Result<LoadedPolicy, LoadProblem>> {
    const start: Place = { file: this.file, line: 1, column: 1 }
    const text = await this.readText({ path: this.file, place: start }, largestConfig)
    const parsed = text === undefined ? undefined : parseGatewayConfig({ file: this.file, text })
    this.diagnostics.push(...(parsed?.diagnostics ?? []))
    const config = parsed?.config
    const environments: (LoadedEnvironment | undefined)[] = []
    for (const environment of config?.environments ?? [])
      environments.push(await this.loadEnvironment(environment))
    const whole = environments.filter((environment) => environment !== undefined)
    const facts = { revision: revisionOf(this.readSet), readSet: [...this.readSet] }
    const hasError = this.diagnostics.some(({ severity }) => severity === 'error')
    if (config === undefined || hasError || whole.length < environments.length) {
      return { ok: false, problem: { ...facts, diagnostics: this.diagnostics } }
    }
    return { ok: true, value: { ...facts, config, environments: whole, warnings: this.diagnostics } }
  }

  private async loadEnvironment(config: EnvironmentConfig): Promise<LoadedEnvironment | undefined> {
    const server = await this.loadServer(config)
    const authorities: Certificate[] = []
    for (const path of config.tls.clientCa) authorities.push(...(await this.loadAuthorities(path)))
    const crls: VerifiedRevocationList[] = []
    for (const path of config.tls.crl) crls.push(...(await this.loadCrls(path, authorities)))
    const whitelist = await this.loadWhitelist(config)
    if (server === undefined || whitelist === undefined) return undefined
    return { config, server, authorities, crls, whitelist }
  }

  private async loadServer({ tls }: EnvironmentConfig): Promise<ServerMaterial | undefined> {
    const certificates: { certificate: string; key: string }[] = []
    for (const paths of [tls, ...tls.certificates]) {
      const certificate = await this.readText(paths.certificate, largestMaterial)
      const key = await this.readText(paths.key, largestMaterial)
      if (certificate !== undefined && key !== undefined) certificates.push({ certificate, key })
    }
    const { ticketKeysFile } = tls
    const secretText =
      ticketKeysFile === undefined ? undefined : await this.readText(ticketKeysFile, largestMaterial)
    const isWhole = ticketKeysFile === undefined || secretText !== undefined
    if (!isWhole || certificates.length <= tls.certificates.length) return undefined
    const read = readServerMaterial({ tls, certificates, secretText })
    if (read.ok) return read.value
    this.diagnostics.push(...read.problem)
    return undefined
  }

  private async loadAuthorities(path: PlacedPath): Promise<readonly Certificate[]> {
    const bytes = await this.readBytes(path, largestMaterial)
    if (bytes === undefined) return []
    const read = readCertificates(bytes)
    if (!read.ok) {
      this.refuse(path.place, 'client-ca', `\`${path.path}\`: ${read.problem.message}`)
      return []
    }
    for (const { basicConstraints } of read.value) {
      if (basicConstraints?.ca === true) continue
      this.refuse(path.place, 'client-ca', `\`${path.path}\` holds a certificate that is no authority`)
    }
    return read.value
  }

  private async loadCrls(
    path: PlacedPath,
    authorities: readonly Certificate[],
  ): Promise<readonly VerifiedRevocationList[]> {
    const bytes = await this.readBytes(path, largestMaterial)
    if (bytes === undefined) return []
    const read = readCrls(bytes)
    if (!read.ok) {
      this.refuse(path.place, 'crl', `\`${path.path}\`: ${read.problem.message}`)
      return []
    }
    return read.value.flatMap((crl) => {
      const verified = verifyCrl(crl, authorities)
      if (verified.ok) return [verified.value]
      this.refuse(path.place, verified.problem.code, `\`${path.path}\`: ${verified.problem.message}`)
      return []
    })
  }

  private async loadWhitelist(config: EnvironmentConfig): Promise<CompiledWhitelist | undefined> {
    const { path, place } = config.whitelist
    const files = await this.whitelistFiles(config.whitelist)
    if (files === undefined) return undefined
    if (files.length === 0) {
      this.refuse(place, 'whitelist-empty', `expected a .yaml file in the folder \`${path}\`, found none`)
      return undefined
    }
    const builder = new WhitelistBuilder(place)
    for (const file of files) {
      const text = await this.readText({ path: file, place }, largestWhitelistFile)
      if (text === undefined) continue
      const unresolved: PartnerDraft[] = []
      const diagnostics = readWhitelistDocument({ file, text }, (draft) => {
        this.checkApis(draft, config)
        const whole = wholeDeclaration(draft)
        if (whole === undefined) unresolved.push(draft)
        else builder.add(whole)
      })
      this.diagnostics.push(...diagnostics)
      for (const draft of unresolved) builder.add(await this.resolve(draft))
    }
    const compiled = builder.finish()
    if (compiled.ok) {
      this.diagnostics.push(...compiled.value.warnings)
      return compiled.value.whitelist
    }
    this.diagnostics.push(...compiled.problem)
    return undefined
  }

  private checkApis(draft: PartnerDraft, config: EnvironmentConfig): void {
    const known = config.apis.map(({ name }) => name)
    for (const api of draft.apis) {
      if (known.includes(api)) continue
      this.refuse(
        draft.place,
        'api-unknown',
        `partner \`${draft.id}\`: expected APIs of environment \`${config.name}\` (\`${known.join('`, `')}\`), found \`${api}\``,
      )
    }
  }

  private async whitelistFiles({ path, place }: PlacedPath): Promise<readonly string[] | undefined> {
    try {
      if (!(await stat(path)).isDirectory()) return [path]
    } catch {
      return [path] // reading it says what is wrong, with its place
    }
    const listed = await listFolder(path, whitelistExtensions)
    this.readSet.set(path, digestOfListing(listed))
    if (listed.ok) return listed.value
    this.refuse(place, 'file', listed.problem.message)
    return undefined
  }

  /** A draft with its pin files and list files read. */
  private async resolve(draft: PartnerDraft): Promise<PartnerDeclaration> {
    const { establishmentsFile, ...partner } = draft
    const listed = establishmentsFile === undefined ? [] : await this.readList(establishmentsFile)
    const certificates: CertificateIdentity[] = []
    for (const certificate of draft.certificates)
      certificates.push(...(await this.resolveCertificate(certificate)))
    return { ...partner, certificates, establishments: [...draft.establishments, ...listed] }
  }

  private async resolveCertificate(
    certificate: PartnerDraft['certificates'][number],
  ): Promise<readonly CertificateIdentity[]> {
    const { publicKey, ...rest } = certificate
    if (publicKey === undefined || typeof publicKey === 'string') return [{ ...rest, publicKey }]
    const bytes = await this.readBytes({ path: publicKey.file, place: publicKey.place }, largestMaterial)
    if (bytes === undefined) return []
    const pins = readPins(bytes)
    if (!pins.ok) {
      this.refuse(publicKey.place, 'public-key', `\`${publicKey.file}\`: ${pins.problem.message}`)
      return []
    }
    const [pin, ...others] = pins.value
    if (pin === undefined || others.length > 0) {
      this.refuse(
        publicKey.place,
        'public-key',
        `expected one key in \`${publicKey.file}\`, found ${pins.value.length}; name the partner's own certificate alone`,
      )
      return []
    }
    return [{ ...rest, publicKey: pin }]
  }

  private async readList(path: PlacedPath): Promise<readonly string[]> {
    const text = await this.readText(path, largestWhitelistFile)
    if (text === undefined) return []
    const { establishments, diagnostics } = readEstablishmentList({ file: path.path, text })
    this.diagnostics.push(...diagnostics)
    return establishments
  }

  private async readText(path: PlacedPath, maxBytes: number): Promise<string | undefined> {
    const bytes = await this.readBytes(path, maxBytes)
    if (bytes === undefined) return undefined
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      this.refuse(path.place, 'file', `expected UTF-8 in \`${path.path}\`; save it in that encoding`)
      return undefined
    }
  }

  private async readBytes({ path, place }: PlacedPath, maxBytes: number): Promise<Uint8Array | undefined> {
    const read = await readBounded(path, maxBytes)
    this.readSet.set(path, digestOfFile(read))
    if (read.ok) return read.value
    this.refuse(place, 'file', read.problem.message)
    return undefined
  }

  private refuse(place: Place, code: string, message: string): void {
    this.diagnostics.push({ severity: 'error', code, place, message })
  }
}

/** The draft as it stands, if no file has to be read for it. */
function wholeDeclaration(draft: PartnerDraft): PartnerDeclaration | undefined {
  const { establishmentsFile, certificates, ...partner } = draft
  if (establishmentsFile !== undefined) return undefined
  const whole: CertificateIdentity[] = []
  for (const { publicKey, ...certificate } of certificates) {
    if (publicKey !== undefined && typeof publicKey !== 'string') return undefined
    whole.push({ ...certificate, publicKey })
  }
  return { ...partner, certificates: whole }
}

function revisionOf(readSet: ReadonlyMap<string, string>): string {
  const digest = createHash('sha256')
  for (const [path, content] of readSet) digest.update(`${path}\0${content}\0`)
  return digest.digest('hex').slice(0, 16)
}

async function fileDigest(path: string): Promise<string> {
  return digestOfFile(await readBounded(path, largestWhitelistFile))
}

async function folderDigest(path: string): Promise<string> {
  return digestOfListing(await listFolder(path, whitelistExtensions))
}

function digestOfFile(read: Result<Uint8Array, FileProblem>): string {
  return read.ok ? createHash('sha256').update(read.value).digest('hex') : `problem ${read.problem.code}`
}

function digestOfListing(listed: Result<readonly string[], FileProblem>): string {
  const names = listed.ok ? listed.value.join('\0') : listed.problem.code
  return `folder ${createHash('sha256').update(names).digest('hex')}`
}
