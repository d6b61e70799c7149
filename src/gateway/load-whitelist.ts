import { stat } from 'node:fs/promises'
import type { Place } from '../core/diagnostic.js'
import type { DistinguishedName } from '../core/distinguished-name.js'
import type { CertificateIdentity, PartnerDeclaration } from '../core/partner.js'
import type { SpkiSha256 } from '../core/spki.js'
import { WhitelistBuilder, type CompiledWhitelist } from '../core/whitelist-table.js'
import { readEstablishmentList } from '../config/establishment-list.js'
import type { EnvironmentConfig, PlacedPath } from '../config/gateway-config.js'
import { readWhitelistDocument, type PartnerDraft } from '../config/whitelist-file.js'
import { readCertificates, readPins } from '../x509/material.js'
import { largest, type LoadFiles } from './load-files.js'

/** A certificate file that an entry names: the one thing a whitelist says of a certificate's dates. */
export interface NamedCertificate {
  /** Empty where the whitelist was loaded without one. */
  readonly environment: string
  readonly partner: string
  readonly file: string
  readonly place: Place
  readonly subject: DistinguishedName
  readonly issuer: DistinguishedName
  readonly issuerKey: string
  readonly publicKey: SpkiSha256
  /** Epoch milliseconds. */
  readonly notAfter: number
}

/** Which whitelist, and whose APIs it may grant; any name where there is no environment. */
export interface WhitelistSource {
  readonly whitelist: PlacedPath
  readonly environment: Pick<EnvironmentConfig, 'name' | 'apis'> | undefined
}

/** Reads and compiles one whitelist with everything it names. */
export class WhitelistLoader {
  readonly named: NamedCertificate[] = []
  private readonly source: WhitelistSource
  private readonly files: LoadFiles

  constructor(source: WhitelistSource, files: LoadFiles) {
    this.source = source
    this.files = files
  }

  /** The whitelist compiled; undefined where the diagnostics say why not. */
  async load(): Promise<CompiledWhitelist | undefined> {
    const { path, place } = this.source.whitelist
    const files = await this.whitelistFiles()
    if (files === undefined) return undefined
    if (files.length === 0) {
      this.files.refuse(
        place,
        'whitelist-empty',
        `expected a .yaml file in the folder \`${path}\`, found none`,
      )
      return undefined
    }
    const builder = new WhitelistBuilder(place)
    for (const file of files) {
      const text = await this.files.readText({ path: file, place }, largest.whitelistFile)
      if (text === undefined) continue
      const unresolved: PartnerDraft[] = []
      const diagnostics = readWhitelistDocument({ file, text }, (draft) => {
        this.checkApis(draft)
        const whole = wholeDeclaration(draft)
        if (whole === undefined) unresolved.push(draft)
        else builder.add(whole)
      })
      this.files.diagnostics.push(...diagnostics)
      for (const draft of unresolved) builder.add(await this.resolve(draft))
    }
    const compiled = builder.finish()
    if (compiled.ok) {
      this.files.diagnostics.push(...compiled.value.warnings)
      return compiled.value.whitelist
    }
    this.files.diagnostics.push(...compiled.problem)
    return undefined
  }

  private checkApis(draft: PartnerDraft): void {
    const { environment } = this.source
    if (environment === undefined) return
    const known = environment.apis.map(({ name }) => name)
    for (const api of draft.apis) {
      if (known.includes(api)) continue
      this.files.refuse(
        draft.place,
        'api-unknown',
        `partner \`${draft.id}\`: expected APIs of environment \`${environment.name}\` (\`${known.join('`, `')}\`), found \`${api}\``,
      )
    }
  }

  private async whitelistFiles(): Promise<readonly string[] | undefined> {
    const { whitelist } = this.source
    try {
      if (!(await stat(whitelist.path)).isDirectory()) return [whitelist.path]
    } catch {
      return [whitelist.path] // reading it says what is wrong, with its place
    }
    return this.files.list(whitelist)
  }

  /** A draft with its pin files and list files read. */
  private async resolve(draft: PartnerDraft): Promise<PartnerDeclaration> {
    const { establishmentsFile, ...partner } = draft
    const listed = establishmentsFile === undefined ? [] : await this.readList(establishmentsFile)
    const certificates: CertificateIdentity[] = []
    for (const certificate of draft.certificates)
      certificates.push(...(await this.resolveCertificate(draft.id, certificate)))
    return { ...partner, certificates, establishments: [...draft.establishments, ...listed] }
  }

  private async resolveCertificate(
    partner: string,
    certificate: PartnerDraft['certificates'][number],
  ): Promise<readonly CertificateIdentity[]> {
    const { publicKey, ...rest } = certificate
    if (publicKey === undefined || typeof publicKey === 'string') return [{ ...rest, publicKey }]
    const bytes = await this.files.readBytes(
      { path: publicKey.file, place: publicKey.place },
      largest.material,
    )
    if (bytes === undefined) return []
    const pins = readPins(bytes)
    if (!pins.ok) {
      this.files.refuse(publicKey.place, 'public-key', `\`${publicKey.file}\`: ${pins.problem.message}`)
      return []
    }
    const [pin, ...others] = pins.value
    if (pin === undefined || others.length > 0) {
      this.files.refuse(
        publicKey.place,
        'public-key',
        `expected one key in \`${publicKey.file}\`, found ${pins.value.length}; name the partner's own certificate alone`,
      )
      return []
    }
    const read = readCertificates(bytes)
    const certificates = read.ok ? read.value : []
    const own = certificates.find(({ spkiSha256 }) => spkiSha256 === pin)
    if (own !== undefined) {
      const { subject, issuer, issuerKey, notAfter } = own
      const environment = this.source.environment?.name ?? ''
      const { file, place } = publicKey
      const names = { subject, issuer, issuerKey }
      this.named.push({ environment, partner, file, place, ...names, publicKey: pin, notAfter })
    }
    return [{ ...rest, publicKey: pin }]
  }

  private async readList(path: PlacedPath): Promise<readonly string[]> {
    const text = await this.files.readText(path, largest.whitelistFile)
    if (text === undefined) return []
    const { establishments, diagnostics } = readEstablishmentList({ file: path.path, text })
    this.files.diagnostics.push(...diagnostics)
    return establishments
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
