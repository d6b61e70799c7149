import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { DistinguishedName } from '../../src/core/distinguished-name.js'
import { isSameName } from '../../src/core/distinguished-name.js'
import { formatName, formatNameLines, formatNameOpenssl, parseName } from '../../src/core/name-text.js'

const folder = mkdtempSync(join(tmpdir(), 'ror-names-'))
after(() => {
  rmSync(folder, { recursive: true })
})

const key = join(folder, 'key.pem')
execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key])

/** A certificate with that subject, made by the openssl binary; `-subj` escapes with backslashes. */
function certificateOf(name: DistinguishedName): string {
  const types: Readonly<Record<string, string>> = {
    '2.5.4.6': 'C',
    '2.5.4.8': 'ST',
    '2.5.4.10': 'O',
    '2.5.4.11': 'OU',
    '2.5.4.3': 'CN',
    '2.5.4.5': 'serialNumber',
    '2.5.4.97': 'organizationIdentifier',
    '1.2.840.113549.1.9.1': 'emailAddress',
  }
  const subject = name
    .map((rdn) => {
      const attributes = rdn.map(
        ({ type, value }) => `${types[type] ?? type}=${value.replaceAll(/[\\/+]/g, '\\$&')}`,
      )
      return `/${attributes.join('+')}`
    })
    .join('')
  const file = join(folder, 'certificate.pem')
  execFileSync(
    'openssl',
    ['req', '-x509', '-new', '-key', key, '-days', '1', '-utf8', '-subj', subject, '-out', file],
    { stdio: 'pipe' },
  )
  return file
}

function subjectOf(file: string, ...options: string[]): string {
  return execFileSync('openssl', ['x509', '-in', file, '-noout', '-subject', ...options], {
    encoding: 'utf8',
  })
}

function rdns(...pairs: readonly (readonly [string, string][])[]): DistinguishedName {
  return pairs.map((set) => set.map(([type, value]) => ({ type, value })))
}

const names: readonly (readonly [string, DistinguishedName])[] = [
  [
    'of IGC-Santé',
    rdns(
      [['2.5.4.6', 'FR']],
      [['2.5.4.8', 'Paris (75)']],
      [['2.5.4.10', "AGENCE DES SYSTEMES D'INFORMATION PARTAG"]],
      [['2.5.4.11', '318751275100020']],
      [['2.5.4.3', 'sas-aggregator-production']],
    ),
  ],
  [
    'with two OUs, accents, commas, quotes and a slash',
    rdns(
      [['2.5.4.6', 'FR']],
      [['2.5.4.8', 'Île-de-France']],
      [['2.5.4.10', 'GIP - "x", Étoile; <a> & b = c']],
      [['2.5.4.11', '0002 187512751']],
      [['2.5.4.11', 'IGC/SANTE + TEST']],
      [['2.5.4.97', 'NTRFR-187512751']],
      [['2.5.4.3', '# a, b']],
    ),
  ],
  [
    'with a set, spaces at the edges and a value that imitates an attribute',
    rdns(
      [['2.5.4.6', 'FR']],
      [
        ['2.5.4.11', 'b'],
        ['2.5.4.10', 'GIP'],
      ],
      [['2.5.4.11', ' lead ']],
      [['2.5.4.5', '42']],
      [['2.5.4.3', 'real, O=Fake,C=FR']],
    ),
  ],
]

// the forms that openssl 3 prints; the old one cannot spell a space at an edge surely
const forms: readonly (readonly string[])[] = [
  [],
  ['-nameopt', 'RFC2253'],
  ['-nameopt', 'RFC2253,-esc_msb,utf8'],
  ['-nameopt', 'oneline,-esc_msb,utf8'],
  ['-nameopt', 'oneline,-space_eq'],
  ['-nameopt', 'compat'],
]

for (const [what, name] of names) {
  test(`the name ${what} is read from everything openssl and Node print of its certificate`, () => {
    const file = certificateOf(name)
    for (const options of forms) {
      if (options.includes('compat') && what.includes('edges')) continue
      const printed = subjectOf(file, ...options)
      const read = parseName(printed)
      assert.ok(read.ok, `${printed}: ${read.ok ? '' : read.problem.message}`)
      assert.ok(isSameName(read.value, name), printed)
    }
    const node = new X509Certificate(readFileSync(file)).subject
    const read = parseName(node)
    assert.ok(read.ok && isSameName(read.value, name), node)
  })

  test(`the name ${what} is written as openssl and Node write it`, () => {
    const file = certificateOf(name)
    const read = parseName(new X509Certificate(readFileSync(file)).subject)
    assert.ok(read.ok)
    assert.equal(formatNameLines(read.value), new X509Certificate(readFileSync(file)).subject)
    // the spacing and the escaping of openssl 3.0 and 3.1, whatever openssl runs here
    assert.equal(
      `subject=${formatNameOpenssl(read.value)}\n`,
      subjectOf(file, '-nameopt', 'oneline,space_eq,esc_msb'),
    )
    const canonical = subjectOf(file, '-nameopt', 'RFC2253,-esc_msb,utf8')
    if (name.every((rdn) => rdn.length === 1)) assert.equal(`subject=${formatName(read.value)}\n`, canonical)
  })
}
