import { extname } from 'node:path'
import { parseName } from '../core/name-text.js'
import type { DistinguishedName } from '../core/distinguished-name.js'
import type { SpkiSha256 } from '../core/spki.js'
import {
  findEstablishments,
  type ColumnProblem,
  type ListedEstablishment,
} from '../sheet/establishment-column.js'
import { readSheets } from '../sheet/read-sheets.js'
import type { Sheet } from '../sheet/sheet.js'
import type { Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import { looksLikeMaterial, readCertificates, readPublicKeys } from '../x509/material.js'
import type { Finding, FindingFacts } from './desk-finding.js'
import { listFindings, rowFindings } from './list-findings.js'
import { readWhole } from './given-file.js'
import { UsageError } from './verb.js'

/** A certificate that was handed in. */
export interface GivenCertificate {
  readonly about: string
  readonly certificate: Certificate
  /** The authorities that came in the same file. */
  readonly beside: readonly Certificate[]
}

/** A public key that was handed in without its certificate. */
export interface GivenKey {
  readonly about: string
  readonly publicKey: SpkiSha256
}

/** The establishments of one sheet that was handed in. */
export interface GivenList {
  readonly about: string
  readonly establishments: readonly ListedEstablishment[]
}

/** Everything that was handed in, read; nothing of it is judged by a whitelist yet. */
export interface HandedIn {
  readonly certificates: readonly GivenCertificate[]
  readonly keys: readonly GivenKey[]
  readonly lists: readonly GivenList[]
  readonly findings: readonly Finding[]
}

/** How lists are to be read. */
export interface ListWishes {
  readonly column: string | undefined
  readonly sheet: string | undefined
  /** Whether check digits are looked at: numbers of production have one. */
  readonly isProduction: boolean
}

const largestFile = 64 * 1024 * 1024
const certificateFile = /^\.(?:pem|cer|crt|der|p7b|p7c|p7|p12|pfx|jks|key|pub)$/i
const listFile = /^\.(?:csv|tsv|xlsx|xlsm|xls|ods)$/i

/** Reads certificate files and lists, told apart by their names, or by what they hold. */
export async function readHandedIn(files: readonly string[], wishes: ListWishes): Promise<HandedIn> {
  const certificates: GivenCertificate[] = []
  const keys: GivenKey[] = []
  const lists: GivenList[] = []
  const findings: Finding[] = []
  for (const file of files) {
    const bytes = await readWhole(file, largestFile)
    const pins = isCertificateFile(file, bytes) ? readPublicKeys(bytes) : undefined
    if (pins !== undefined) keys.push(...pins.map((publicKey) => ({ about: file, publicKey })))
    else if (isCertificateFile(file, bytes)) certificates.push(...takeCertificates(file, bytes, findings))
    else lists.push(...takeLists({ file, bytes, wishes }, findings))
  }
  return { certificates: onceEach(certificates), keys, lists, findings }
}

/** The name that a text writes. @throws UsageError, with the place in the text */
export function readSubject(text: string): DistinguishedName {
  const name = parseName(text)
  if (name.ok) return name.value
  throw new UsageError(`--subject: character ${name.problem.offset + 1}: ${name.problem.message}`)
}

function isCertificateFile(file: string, bytes: Uint8Array): boolean {
  const extension = extname(file)
  if (certificateFile.test(extension)) return true
  if (listFile.test(extension)) return false
  return looksLikeMaterial(bytes)
}

function takeCertificates(file: string, bytes: Uint8Array, findings: Finding[]): readonly GivenCertificate[] {
  const read = readCertificates(bytes)
  if (!read.ok) {
    const { code, message, line } = read.problem
    const facts: FindingFacts =
      code === 'private-key-present'
        ? { code, message: line === undefined ? message : `line ${line}: ${message}` }
        : { code: 'material-refused', problem: code, message, line }
    findings.push({ severity: 'error', about: file, facts })
    return []
  }
  const isAuthority = (certificate: Certificate) => certificate.basicConstraints?.ca === true
  const authorities = read.value.filter(isAuthority)
  const own = read.value.filter((certificate) => !isAuthority(certificate))
  if (own.length === 0) {
    const message = "expected a partner's certificate, found those of authorities alone"
    const facts = { code: 'material-refused', problem: 'authority-only', message } as const
    findings.push({ severity: 'error', about: file, facts })
  } else if (authorities.length > 0) {
    const names = [...new Set(authorities.map(({ subject }) => commonNameOf(subject)))]
    findings.push({ severity: 'note', about: file, facts: { code: 'authorities-left-out', names } })
  }
  return own.map((certificate) => ({ about: file, certificate, beside: authorities }))
}

function onceEach(certificates: readonly GivenCertificate[]): readonly GivenCertificate[] {
  const seen = new Set<string>()
  return certificates.filter(({ certificate }) => {
    const isNew = !seen.has(certificate.sha256)
    seen.add(certificate.sha256)
    return isNew
  })
}

interface ListSource {
  readonly file: string
  readonly bytes: Uint8Array
  readonly wishes: ListWishes
}

function takeLists({ file, bytes, wishes }: ListSource, findings: Finding[]): readonly GivenList[] {
  const read = readSheets(bytes)
  if (!read.ok) {
    findings.push({
      severity: 'error',
      about: file,
      facts: { code: 'list-refused', message: read.problem.message },
    })
    return []
  }
  if (read.value.encoding === 'windows-1252') {
    findings.push({ severity: 'note', about: file, facts: { code: 'windows-1252' } })
  }
  const sheets = read.value.sheets.filter(({ name }) => wishes.sheet === undefined || name === wishes.sheet)
  const lists: GivenList[] = []
  const problems: Finding[] = []
  for (const sheet of sheets) {
    const about = aboutOf(file, sheet)
    const found = findEstablishments(sheet, wishes.column)
    if ('candidates' in found) {
      const facts = columnProblem(found, wishes.column)
      problems.push({ severity: 'error', about, facts })
      continue
    }
    lists.push({ about, establishments: found.establishments })
    const list = { about, isProduction: wishes.isProduction }
    findings.push(...listFindings(found, list), ...rowFindings(found.findings, list))
    if (sheet.isHidden === true && wishes.sheet === undefined)
      findings.push({ severity: 'error', about, facts: { code: 'sheet-hidden' } })
  }
  // a sheet that explains the others holds no numbers; a file without any is a mistake
  const isTold = (problem: Finding) =>
    lists.length === 0 ||
    problem.facts.code === 'column-ambiguous' ||
    problem.facts.code === 'numbers-scientific'
  findings.push(...problems.filter(isTold))
  if (sheets.length === 0) {
    findings.push({ severity: 'error', about: file, facts: { code: 'column-missing' } })
  }
  return lists
}

function columnProblem({ candidates, spoilt }: ColumnProblem, wanted: string | undefined): FindingFacts {
  if (spoilt !== undefined) return { code: 'numbers-scientific', ...spoilt }
  if (wanted !== undefined) return { code: 'column-unknown', wanted, candidates }
  return candidates.length === 0 ? { code: 'column-missing' } : { code: 'column-ambiguous', candidates }
}

function aboutOf(file: string, { name }: Sheet): string {
  return name === '' ? file : `${file}, ${name}`
}
