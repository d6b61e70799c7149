import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCrl, verifyCrl, type VerifiedRevocationList } from '../../src/x509/crl.js'
import { issueCrl, type Authority } from '../../src/x509/issue.js'
import { indexCrls, judgeRevocation } from '../../src/x509/revocation.js'
import { createPki, now, read, valueOf } from './issuing.js'

const pki = await createPki()
const { root, intermediate } = pki
const authorities = [root, intermediate].map(({ certificate }) => read(certificate))
const hour = 60 * 60 * 1000
const moment = { at: now, clockSkewMs: 0 }

function list(
  issuer: Authority,
  serials: readonly string[],
  window = { from: -hour, to: hour },
): VerifiedRevocationList {
  const der = issueCrl({
    issuer,
    thisUpdate: now + window.from,
    nextUpdate: now + window.to,
    revoked: serials.map((serialNumber) => ({ serialNumber, at: now - hour })),
  })
  return valueOf(verifyCrl(valueOf(parseCrl(der)), authorities))
}

const leaf = pki.client({ serialNumber: 'c0de' })
const chain = [leaf, ...authorities.toReversed()]
const stale = { from: -2 * hour, to: -hour }
const early = { from: hour, to: 2 * hour }

test('a chain on no list, of lists in force, is good', () => {
  const index = indexCrls([list(root, []), list(intermediate, ['c0df', 'c0'])])
  assert.deepEqual(judgeRevocation(chain, index, moment), { status: 'good' })
})

test('a listed certificate is revoked, and the operator is told by whom', () => {
  const judged = judgeRevocation(chain, indexCrls([list(intermediate, ['c0de'])]), moment)
  assert.ok(judged.status === 'revoked' && judged.certificate === leaf)
  assert.match(judged.detail, /serial number c0de is on the CRL of `TEST AC ORGANISATIONS`/)
})

test('a revoked authority is said before a list that is missing', () => {
  const [, below] = chain
  const judged = judgeRevocation(chain, indexCrls([list(root, [below?.serialNumber ?? ''])]), moment)
  assert.ok(judged.status === 'revoked' && judged.certificate === below)
})

test('the serial of another authority revokes nobody here', () => {
  const index = indexCrls([list(root, ['c0de']), list(intermediate, [])])
  assert.equal(judgeRevocation(chain, index, moment).status, 'good')
})

test('a missing, stale or early list leaves the status unknown, never good', () => {
  const cases: readonly (readonly [VerifiedRevocationList[], RegExp])[] = [
    [[], /no CRL of `TEST AC ORGANISATIONS` covers/],
    [[list(intermediate, [], stale)], /was due to be replaced on 2027-06-15T11:00/],
    [[list(intermediate, [], early)], /begins on 2027-06-15T13:00/],
  ]
  for (const [lists, detail] of cases) {
    const judged = judgeRevocation(chain, indexCrls([list(root, []), ...lists]), moment)
    assert.ok(judged.status === 'unknown')
    assert.match(judged.detail, detail)
  }
})

test('a stale list still revokes, and a fresh one beside it answers for the others', () => {
  const index = indexCrls([list(root, []), list(intermediate, ['c0de'], stale), list(intermediate, [])])
  assert.equal(judgeRevocation(chain, index, moment).status, 'revoked')
  const other = [pki.client(), ...authorities.toReversed()]
  assert.equal(judgeRevocation(other, index, moment).status, 'good')
})

test('the leaf alone may be asked about', () => {
  const index = indexCrls([list(intermediate, [])])
  assert.equal(judgeRevocation(chain, index, moment).status, 'unknown')
  assert.equal(judgeRevocation(chain.slice(0, 2), index, moment).status, 'good')
})

test('the skew between clocks widens both ends of a list', () => {
  const index = indexCrls([list(root, []), list(intermediate, [], { from: hour, to: 2 * hour })])
  assert.equal(judgeRevocation(chain, index, { at: now, clockSkewMs: hour }).status, 'good')
  assert.equal(judgeRevocation(chain, index, { at: now, clockSkewMs: hour - 1 }).status, 'unknown')
})
