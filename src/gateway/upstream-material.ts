import { createHash, X509Certificate } from 'node:crypto'
import type { Api } from '../core/api.js'
import type { PlacedFile, UpstreamTlsFiles } from '../core/upstream.js'
import type { UpstreamTls } from '../http/forwarder.js'
import { parseCertificate, type Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import { readCertificates } from '../x509/material.js'
import { toPem } from '../x509/pem.js'
import { largest, type LoadFiles } from './load-files.js'
import type { LoadedEnvironment, UpstreamCertificate } from './policy.js'
import { readCredential } from './server-material.js'

type UpstreamMaterial = Pick<LoadedEnvironment, 'upstreamTls' | 'upstreamCertificates'>
type End = Omit<UpstreamCertificate, 'api'>

/**
 * What the `https:` servers of each API are verified by and shown, and when that ends; an API is left out
 * where something is wrong with it, which is told to `files`.
 */
export async function loadUpstreamMaterial(
  apis: readonly Api[],
  files: LoadFiles,
): Promise<UpstreamMaterial> {
  const upstreamTls = new Map<string, UpstreamTls>()
  const upstreamCertificates: UpstreamCertificate[] = []
  for (const { name: api, upstream } of apis) {
    const read = upstream.tls === undefined ? undefined : await loadUpstreamTls(upstream.tls, files)
    if (read === undefined) continue
    upstreamTls.set(api, read.tls)
    upstreamCertificates.push(...read.ends.map((end) => ({ api, ...end })))
  }
  return { upstreamTls, upstreamCertificates }
}

async function loadUpstreamTls(
  files: UpstreamTlsFiles,
  from: LoadFiles,
): Promise<{ readonly tls: UpstreamTls; readonly ends: readonly End[] } | undefined> {
  const trusted = await loadAuthorities(files, from)
  const credential = await loadCredential(files, from)
  if (trusted === 'wrong' || credential === 'wrong') return undefined
  const { serverName } = files
  const authorities = trusted?.map(({ authority: { der } }) => toPem('CERTIFICATE', der))
  const digest = createHash('sha256').update(JSON.stringify([authorities, credential, serverName]))
  const own =
    credential === undefined || files.credential === undefined
      ? []
      : [shownEnd(credential.certificate, files.credential.certificate)]
  return {
    tls: { id: digest.digest('hex').slice(0, 32), authorities, ...credential, serverName },
    ends: [...own, ...authorityEnds(trusted ?? [])],
  }
}

interface Trusted {
  readonly authority: Certificate
  readonly file: PlacedFile
}

async function loadAuthorities(
  { ca }: UpstreamTlsFiles,
  files: LoadFiles,
): Promise<readonly Trusted[] | undefined | 'wrong'> {
  if (ca === undefined) return undefined
  const found: Trusted[] = []
  let isWrong = false
  for (const file of ca) {
    const bytes = await files.readBytes(file, largest.material)
    const read = bytes === undefined ? undefined : readCertificates(bytes)
    if (read?.ok === false)
      files.refuse(file.place, 'upstream-ca', `\`${file.path}\`: ${read.problem.message}`)
    if (read?.ok === true) found.push(...read.value.map((authority) => ({ authority, file })))
    else isWrong = true
  }
  return isWrong ? 'wrong' : found
}

/** Of one authority that was issued anew, both stand in the files for a while: its last end counts. */
function authorityEnds(trusted: readonly Trusted[]): readonly End[] {
  const last = new Map<string, End>()
  for (const { authority, file } of trusted) {
    const { subject, subjectKey, notAfter } = authority
    if (notAfter < (last.get(subjectKey)?.notAfter ?? -Infinity)) continue
    const { path, place } = file
    last.set(subjectKey, { kind: 'authority', subject: commonNameOf(subject), file: path, place, notAfter })
  }
  return [...last.values()]
}

/** The first certificate of the file is the gateway's own: OpenSSL has taken it, whatever else it is. */
function shownEnd(pem: string, { path, place }: PlacedFile): End {
  const leaf = new X509Certificate(pem)
  const read = parseCertificate(leaf.raw)
  return {
    kind: 'shown',
    subject: read.ok ? commonNameOf(read.value.subject) : path,
    file: path,
    place,
    notAfter: Date.parse(leaf.validTo),
  }
}

async function loadCredential(
  { credential }: UpstreamTlsFiles,
  files: LoadFiles,
): Promise<{ readonly certificate: string; readonly key: string } | undefined | 'wrong'> {
  if (credential === undefined) return undefined
  const certificate = await files.readText(credential.certificate, largest.material)
  const key = await files.readText(credential.key, largest.material)
  if (certificate === undefined || key === undefined) return 'wrong'
  const read = readCredential({ certificate, key }, credential, 'upstream')
  if (read.ok) return { certificate, key }
  files.diagnostics.push(read.problem)
  return 'wrong'
}
