import {
  DerError,
  DerReader,
  readBoolean,
  readSmallInteger,
  tags,
  toHex,
  type DerElementSpan,
} from './der-reader.js'
import { readObjectIdentifier } from './object-identifier.js'

/** What the extensions of a certificate say; undefined where it has no such extension. */
export interface CertificateExtensions {
  /** Names as RFC 5280 spells them: `digitalSignature`, `keyCertSign`, … */
  keyUsage: ReadonlySet<string> | undefined
  /** OIDs. */
  extendedKeyUsage: readonly string[] | undefined
  basicConstraints: { readonly ca: boolean; readonly pathLength?: number } | undefined
  /** Hexadecimal. */
  subjectKeyIdentifier: string | undefined
  authorityKeyIdentifier: string | undefined
  /** URLs of whole CRLs, of every scheme. */
  crlDistributionPoints: readonly string[]
  ocspUrls: readonly string[]
  /** OIDs of what binds the reader and is not judged here: the certificate must not be relied on. */
  unknownCriticalExtensions: readonly string[]
}

const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

// understood, or without effect here: alternative names name nobody to us, policies demand nothing of us
const understood: ReadonlySet<string> = new Set([
  '2.5.29.14',
  '2.5.29.15',
  '2.5.29.17',
  '2.5.29.18',
  '2.5.29.19',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.35',
  '2.5.29.37',
  '1.3.6.1.5.5.7.1.1',
])

// name constraints bind even where an authority forgot to mark them critical
const alwaysBinding: ReadonlySet<string> = new Set(['2.5.29.30'])

const mostExtensions = 64
// of purposes, and of URLs of each kind: what anybody shows is remembered, and each is an object by itself
const mostListed = 64

/** What a certificate without extensions says. */
export function noExtensions(): CertificateExtensions {
  return {
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    basicConstraints: undefined,
    subjectKeyIdentifier: undefined,
    authorityKeyIdentifier: undefined,
    crlDistributionPoints: [],
    ocspUrls: [],
    unknownCriticalExtensions: [],
  }
}

/** One extension as it stands: its value still as bytes inside the OCTET STRING. */
export interface RawExtension {
  readonly oid: string
  readonly critical: boolean
  readonly value: DerElementSpan
}

/**
 * The extensions of a certificate, CRL or CRL entry; the same OID twice is refused.
 *
 * `critical FALSE` written out is taken although DER leaves defaults away: authorities do it, and it can be
 * read in one way only.
 *
 * @see RFC 5280 section 4.1
 */
export function readRawExtensions(reader: DerReader): RawExtension[] {
  const list = reader.enter(tags.sequence, 'the extensions')
  const found = new Map<string, RawExtension>()
  while (!list.isAtEnd) {
    const extension = list.enter(tags.sequence, 'an extension')
    const oid = readObjectIdentifier(extension, 'an extension')
    const critical = extension.nextTag === tags.boolean && readBoolean(extension, `critical of ${oid}`)
    const value = extension.take(tags.octetString, `the value of extension ${oid}`)
    extension.finish(`extension ${oid}`)
    if (found.has(oid)) throw new DerError(`expected extension ${oid} once, found it twice`)
    if (found.size === mostExtensions) throw new DerError(`expected at most ${mostExtensions} extensions`)
    found.set(oid, { oid, critical, value })
  }
  return [...found.values()]
}

/** The extensions of a certificate. */
export function readCertificateExtensions(reader: DerReader): CertificateExtensions {
  const extensions = noExtensions()
  const unknown: string[] = []
  for (const { oid, critical, value } of readRawExtensions(reader)) {
    const isBinding = critical || alwaysBinding.has(oid)
    if (isBinding && !understood.has(oid)) unknown.push(oid)
    if (!understood.has(oid)) continue
    const inside = new DerReader(reader.bytes, value.contents, value.end)
    if (readKnown(oid, inside, extensions)) inside.finish(`extension ${oid}`)
  }
  extensions.unknownCriticalExtensions = unknown
  return extensions
}

/** @returns whether the value was read at all */
function readKnown(oid: string, inside: DerReader, extensions: CertificateExtensions): boolean {
  switch (oid) {
    case '2.5.29.14':
      extensions.subjectKeyIdentifier = toHex(
        inside.contentsOf(inside.take(tags.octetString, 'the key identifier')),
      )
      return true
    case '2.5.29.15':
      extensions.keyUsage = readKeyUsage(inside)
      return true
    case '2.5.29.19':
      extensions.basicConstraints = readBasicConstraints(inside)
      return true
    case '2.5.29.31':
      extensions.crlDistributionPoints = readDistributionPoints(inside)
      return true
    case '2.5.29.35':
      extensions.authorityKeyIdentifier = readAuthorityKeyIdentifier(inside)
      return true
    case '2.5.29.37':
      extensions.extendedKeyUsage = readExtendedKeyUsage(inside)
      return true
    case '1.3.6.1.5.5.7.1.1':
      extensions.ocspUrls = readOcspUrls(inside)
      return true
    default:
      return false
  }
}

// bits beyond the nine named ones mean nothing to anybody, and trailing zero bits nothing at all
function readKeyUsage(reader: DerReader): ReadonlySet<string> {
  const octets = reader.contentsOf(reader.take(tags.bitString, 'keyUsage'))
  if ((octets[0] ?? 8) > 7 || octets.length > 3) throw new DerError('expected keyUsage as nine bits')
  return new Set(
    keyUsageNames.filter((_, bit) => ((octets[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0),
  )
}

function readBasicConstraints(reader: DerReader): { ca: boolean; pathLength?: number } {
  const constraints = reader.enter(tags.sequence, 'basicConstraints')
  const ca = constraints.nextTag === tags.boolean && readBoolean(constraints, 'basicConstraints cA')
  const pathLength = constraints.isAtEnd ? undefined : readSmallInteger(constraints, 'pathLenConstraint')
  constraints.finish('basicConstraints')
  return pathLength === undefined ? { ca } : { ca, pathLength }
}

function readExtendedKeyUsage(reader: DerReader): string[] {
  const purposes = reader.enter(tags.sequence, 'extKeyUsage')
  const oids: string[] = []
  do {
    oids.push(readObjectIdentifier(purposes, 'a purpose in extKeyUsage'))
    judgeCount(oids, 'purposes in extKeyUsage')
  } while (!purposes.isAtEnd)
  return oids
}

/** The keyIdentifier `[0]`; issuer and serial number only ever repeat it. */
export function readAuthorityKeyIdentifier(reader: DerReader): string | undefined {
  const identifier = reader.enter(tags.sequence, 'authorityKeyIdentifier')
  const key = identifier.takeIf(0x80, 'keyIdentifier')
  while (!identifier.isAtEnd) identifier.next('authorityKeyIdentifier')
  return key === undefined ? undefined : toHex(identifier.contentsOf(key))
}

/** URLs of points that hold a whole CRL (no `reasons`) of the certificate's own issuer (no `cRLIssuer`). */
function readDistributionPoints(reader: DerReader): string[] {
  const points = reader.enter(tags.sequence, 'cRLDistributionPoints')
  const urls: string[] = []
  while (!points.isAtEnd) {
    const point = points.enter(tags.sequence, 'a DistributionPoint')
    const names = point.nextTag === 0xa0 ? readDistributionPointName(point) : []
    if (point.isAtEnd) urls.push(...names)
    judgeCount(urls, 'URLs in cRLDistributionPoints')
    while (!point.isAtEnd) point.next('a DistributionPoint')
  }
  return urls
}

/** The URLs of a DistributionPointName behind its `[0]`; a name relative to the issuer gives none. */
export function readDistributionPointName(reader: DerReader): string[] {
  const point = reader.enter(0xa0, 'a distributionPoint')
  if (point.nextTag !== 0xa0) return []
  const names = point.enter(0xa0, 'the fullName of a DistributionPoint')
  const urls: string[] = []
  while (!names.isAtEnd) {
    const span = names.next('a name of a DistributionPoint')
    if (span.tag === 0x86) urls.push(readUrl(names.contentsOf(span)))
    judgeCount(urls, 'URLs of a DistributionPoint')
  }
  return urls
}

function readOcspUrls(reader: DerReader): string[] {
  const descriptions = reader.enter(tags.sequence, 'authorityInfoAccess')
  const urls: string[] = []
  while (!descriptions.isAtEnd) {
    const description = descriptions.enter(tags.sequence, 'an AccessDescription')
    const method = readObjectIdentifier(description, 'an access method')
    const location = description.next('an access location')
    description.finish('an AccessDescription')
    if (method === '1.3.6.1.5.5.7.48.1' && location.tag === 0x86) {
      urls.push(readUrl(description.contentsOf(location)))
      judgeCount(urls, 'URLs of OCSP responders')
    }
  }
  return urls
}

function judgeCount(found: readonly string[], what: string): void {
  if (found.length > mostListed) throw new DerError(`expected at most ${mostListed} ${what}`)
}

function readUrl(octets: Uint8Array): string {
  const text = Buffer.from(octets).toString('latin1')
  if (!/^[!-~]+$/.test(text)) throw new DerError('expected a URL in visible ASCII')
  return text
}
