import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { Result } from '../../src/core/result.js'
import { parseCertificate, type Certificate } from '../../src/x509/certificate.js'
import { issuedName, type IssuedName } from '../../src/x509/issue-name.js'
import {
  createAuthority,
  issueCertificate,
  type Authority,
  type AuthorityRequest,
  type CertificateRequest,
} from '../../src/x509/issue.js'
import { generateKeys, type KeyPair } from '../../src/x509/keys.js'

export const start = Date.UTC(2026, 0, 1)
export const now = Date.UTC(2027, 5, 15, 12)
export const end = Date.UTC(2029, 0, 1)

/** A name as IGC-Santé writes the holder's, with another CN. */
export function holder(commonName: string): IssuedName {
  return issuedName([
    ['C', 'FR'],
    ['ST', 'Paris (75)'],
    ['O', 'GIP - TEST3012'],
    ['OU', '33333333333'],
    ['CN', commonName],
  ])
}

/** A name as IGC-Santé writes an authority's, with its two OUs. */
export function authorityName(commonName: string): IssuedName {
  return issuedName([
    ['C', 'FR'],
    ['O', 'ASIP-SANTE'],
    ['OU', '0002 187512751'],
    ['OU', 'IGC-SANTE TEST'],
    ['CN', commonName],
  ])
}

/** A root and an intermediate, and what it takes to issue below them. */
export interface Pki {
  readonly root: Authority
  readonly intermediate: Authority
  readonly clientKeys: KeyPair
  readonly authority: (more: Partial<AuthorityRequest> & { readonly name: string }) => Authority
  readonly client: (more?: Partial<CertificateRequest>) => Certificate
  readonly clientDer: (more?: Partial<CertificateRequest>) => Uint8Array
}

let serial = 0x1000

export async function createPki(): Promise<Pki> {
  const [rootKeys, intermediateKeys, clientKeys] = await Promise.all([
    generateKeys('ec-p256'),
    generateKeys('ec-p256'),
    generateKeys('ec-p256'),
  ])
  const authority: Pki['authority'] = ({ name, ...more }) =>
    createAuthority({
      subject: authorityName(name),
      keys: intermediateKeys,
      serialNumber: (serial += 1).toString(16),
      notBefore: start,
      notAfter: end,
      ...more,
    })
  const root = authority({ name: 'TEST AC RACINE', keys: rootKeys })
  const intermediate = authority({ name: 'TEST AC ORGANISATIONS', issuer: root, pathLength: 0 })
  const clientDer: Pki['clientDer'] = (more) =>
    issueCertificate({
      issuer: intermediate,
      publicKey: clientKeys.publicKey,
      subject: holder('CLIENT_TEST_RORN'),
      serialNumber: (serial += 1).toString(16),
      notBefore: start,
      notAfter: end,
      ...more,
    })
  return { root, intermediate, clientKeys, authority, clientDer, client: (more) => read(clientDer(more)) }
}

/** The certificate, or a failed test. */
export function read(der: Uint8Array): Certificate {
  return valueOf(parseCertificate(der))
}

export function valueOf<Value>(result: Result<Value, object>): Value {
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.problem))
  return result.value
}

export function problemOf<Problem>(result: Result<unknown, Problem>): Problem {
  assert.ok(!result.ok, 'expected a problem, found a value')
  return result.problem
}

type Run = string | readonly number[]

const runOf = (run: Run) => (typeof run === 'string' ? Buffer.from(run, 'latin1') : Uint8Array.from(run))

/** The bytes with one run replaced by another of the same length. */
export function replaced(der: Uint8Array, from: Run, to: Run): Uint8Array {
  const bytes = Buffer.from(der)
  const place = bytes.indexOf(runOf(from))
  assert.notEqual(place, -1, 'the bytes to replace should stand there')
  assert.equal(from.length, to.length)
  bytes.set(runOf(to), place)
  return bytes
}

/** What the OpenSSL command prints, both streams; fails the test where it fails. */
export function openssl(parameters: readonly string[], input?: Uint8Array | string): string {
  const { status, stdout, stderr } = spawnSync('openssl', parameters, {
    ...(input === undefined ? {} : { input }),
  })
  assert.equal(status, 0, stderr.toString())
  return stdout.toString() + stderr.toString()
}
