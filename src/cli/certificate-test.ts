import { isSameName, type DistinguishedName } from '../core/distinguished-name.js'
import { parseName } from '../core/name-text.js'
import type { CertificateIdentity } from '../core/partner.js'
import { parseSpkiSha256, type SpkiSha256 } from '../core/spki.js'
import { readCertificates, readPins } from '../x509/material.js'
import { readWhole } from './given-file.js'
import { UsageError } from './verb.js'

/** Whether a listed certificate is the one that is meant. */
export type CertificateTest = (listed: CertificateIdentity) => boolean

const largestFile = 8 * 1024 * 1024
const keyFile = /\.(?:pem|cer|crt|der|p7b|p7c|pub)$/i

/**
 * Tells the listed certificates that are meant: by a file, a pin or a name.
 *
 * @throws UsageError where a text is none of them
 */
export async function certificateTest(texts: readonly string[]): Promise<CertificateTest> {
  const pins = new Set<SpkiSha256>()
  const names: DistinguishedName[] = []
  for (const text of texts) {
    const pin = parseSpkiSha256(text)
    if (pin !== undefined) pins.add(pin)
    else if (keyFile.test(text)) await readFileInto(text, { pins, names })
    else names.push(readName(text))
  }
  return ({ subject, publicKey }) =>
    (publicKey !== undefined && pins.has(publicKey)) ||
    (subject !== undefined && names.some((name) => isSameName(name, subject)))
}

async function readFileInto(
  file: string,
  { pins, names }: { readonly pins: Set<SpkiSha256>; readonly names: DistinguishedName[] },
): Promise<void> {
  const bytes = await readWhole(file, largestFile)
  const read = readPins(bytes)
  if (!read.ok) throw new Error(`\`${file}\`: ${read.problem.message}`)
  for (const pin of read.value) pins.add(pin)
  const certificates = readCertificates(bytes)
  if (!certificates.ok) return
  for (const { subject, spkiSha256 } of certificates.value) if (pins.has(spkiSha256)) names.push(subject)
}

function readName(text: string): DistinguishedName {
  const name = parseName(text)
  if (name.ok) return name.value
  throw new UsageError(
    `expected a file, a pin (\`sha256:…\`) or a name, found \`${text}\`: ${name.problem.message}`,
  )
}
