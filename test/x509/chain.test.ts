import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Certificate } from '../../src/x509/certificate.js'
import {
  buildPaths,
  judgeValidity,
  splitAuthorities,
  verifyChain,
  type ChainProblem,
  type PathQuestion,
} from '../../src/x509/chain.js'
import { clientAuth, serverAuth, type Authority } from '../../src/x509/issue.js'
import { generateKeys, type KeyKind } from '../../src/x509/keys.js'
import { sharedPath } from '../support/shared.js'
import {
  authorityName,
  createPki,
  end,
  holder,
  now,
  problemOf,
  read,
  replaced,
  start,
  valueOf,
} from './issuing.js'

const pki = await createPki()
const { root, intermediate } = pki
const trust = splitAuthorities([root, intermediate].map(({ certificate }) => read(certificate)))
const moment = { at: now, clockSkewMs: 0 }
const second = 1000

function ask(leaf: Certificate, more: Partial<PathQuestion> = {}) {
  return verifyChain({ leaf, presented: [], ...trust, ...moment, ...more })
}

function assertRefused(
  leaf: Certificate,
  expected: [ChainProblem['reason'], RegExp],
  more: Partial<PathQuestion> = {},
): void {
  const { reason, detail } = problemOf(ask(leaf, more))
  assert.equal(reason, expected[0])
  assert.match(detail, expected[1])
}

/** A trust of these authorities, whatever they are. */
function trusting(...authorities: readonly Authority[]) {
  return splitAuthorities(authorities.map(({ certificate }) => read(certificate)))
}

test('a client below the configured intermediate is trusted, up to the root', () => {
  const leaf = pki.client()
  const { chain, notBefore, notAfter } = valueOf(ask(leaf))
  assert.deepEqual(
    chain.map(({ sha256 }) => sha256),
    [leaf, read(intermediate.certificate), read(root.certificate)].map(({ sha256 }) => sha256),
  )
  assert.deepEqual([notBefore, notAfter], [start, end])
})

test('the real IGC-Santé intermediate stands below the real root', () => {
  const [below, above] = ['igc-ACI-EL-ORG.cer', 'igc-ACR-EL.cer'].map((name) =>
    read(readFileSync(sharedPath('samples', 'igc', name))),
  )
  assert.ok(below !== undefined && above !== undefined)
  const real = splitAuthorities([below, above])
  assert.deepEqual([real.anchors, real.authorities], [[above], [below]])
})

test('an intermediate the client presents completes the path, and one it invents does not', async () => {
  const leaf = pki.client()
  const onlyRoot = trusting(root)
  assertRefused(
    leaf,
    ['certificate-untrusted', /no configured authority stands above the issuer `TEST AC ORGANISATIONS`/],
    onlyRoot,
  )
  valueOf(ask(leaf, { ...onlyRoot, presented: [read(intermediate.certificate)] }))

  const keys = await generateKeys('ec-p256')
  const invented = pki.authority({ name: 'TEST AC ORGANISATIONS', keys, issuer: { ...root, keys } })
  const forged = pki.client({ issuer: invented })
  const presented = [read(invented.certificate)]
  assertRefused(forged, ['certificate-untrusted', /`TEST AC RACINE` did not sign/], {
    ...onlyRoot,
    presented,
  })
})

test('an anchor that is only presented is no anchor', async () => {
  const keys = await generateKeys('ec-p256')
  const own = pki.authority({ name: 'TEST AC RACINE', keys })
  const leaf = pki.client({ issuer: own })
  const problem = ['certificate-untrusted', /did not sign/] as [ChainProblem['reason'], RegExp]
  assertRefused(leaf, problem, { presented: [read(own.certificate)] })
  const strange = pki.authority({ name: 'ANOTHER ROOT', keys })
  const stranger = pki.client({ issuer: strange })
  assertRefused(stranger, ['certificate-untrusted', /issuer `ANOTHER ROOT`/], {
    presented: [read(strange.certificate)],
  })
})

test('a list of one intermediate is a trust list: the path ends there', () => {
  const { chain } = valueOf(ask(pki.client(), trusting(intermediate)))
  assert.equal(chain.length, 2)
})

test('once its root is configured, the path goes on and the root counts', () => {
  const expired = pki.authority({ name: 'R', keys: root.keys, notAfter: now - second })
  const below = pki.authority({ name: 'I', issuer: expired })
  const leaf = pki.client({ issuer: below })
  valueOf(ask(leaf, trusting(below)))
  assertRefused(
    leaf,
    ['certificate-expired', /the authority `R` was valid until 2027-06-15T11:59:59/],
    trusting(below, expired),
  )
})

test('a self-signed client certificate is not trusted', () => {
  const self: Authority = { ...intermediate, name: pki.authority({ name: 'x', subject: holder('ME') }).name }
  const leaf = pki.client({ issuer: self, subject: holder('ME') })
  assertRefused(leaf, ['certificate-untrusted', /issuer `ME`/], { presented: [leaf] })
})

test('a signature that does not hold is not trusted, whatever the names say', () => {
  const der = Buffer.from(pki.clientDer())
  const leaf = read(replaced(der, 'CLIENT_TEST_RORN', 'CLIENT_TEST_RORM'))
  assertRefused(leaf, ['certificate-untrusted', /`TEST AC ORGANISATIONS` did not sign/])
})

test('TEST and PROD anchors do not vouch for each other, though all names below are the same', async () => {
  const other = await createPki()
  assertRefused(other.client(), ['certificate-untrusted', /did not sign/])
})

test('an issuer name that differs by one case or one RDN is another issuer', () => {
  const lower = { ...intermediate, name: pki.authority({ name: 'test ac organisations' }).name }
  assertRefused(pki.client({ issuer: lower }), ['certificate-untrusted', /no configured authority/])
  const shorter = pki.authority({ name: 'x', subject: authorityName('TEST AC ORGANISATIONS').slice(1) })
  assertRefused(pki.client({ issuer: shorter }), ['certificate-untrusted', /no configured authority/])
})

test('authorities that are none, or may not sign, vouch for nobody', () => {
  const cases = [
    [{ basicConstraints: { ca: false } }, /not a certificate authority \(basicConstraints\)/],
    [{ keyUsage: ['cRLSign'] }, /may not sign certificates \(keyUsage\)/],
    [
      { extensions: [{ oid: '1.2.3', critical: true, value: Uint8Array.of(5, 0) }] },
      /critical extension `1.2.3`/,
    ],
    [{ extensions: [{ oid: '2.5.29.30', critical: false, value: Uint8Array.of(0x30, 0) }] }, /`2.5.29.30`/],
  ] as const
  for (const [more, detail] of cases) {
    const unfit = pki.authority({ name: 'TEST AC ORGANISATIONS', issuer: root, ...more })
    const leaf = pki.client({ issuer: unfit })
    assertRefused(leaf, ['certificate-untrusted', detail], trusting(root, unfit))
    // nor as what a client presents, nor as an anchor
    assertRefused(leaf, ['certificate-untrusted', detail], {
      ...trusting(root),
      presented: [read(unfit.certificate)],
    })
    assertRefused(leaf, ['certificate-untrusted', detail], trusting(unfit))
  }
})

test('a client cannot be an authority for another client', () => {
  const issuer: Authority = {
    ...root,
    name: pki.authority({ name: 'x', subject: holder('A') }).name,
    keys: pki.clientKeys,
  }
  const first = pki.client({ subject: holder('A'), issuer: root })
  assertRefused(pki.client({ issuer }), ['certificate-untrusted', /not a certificate authority/], {
    presented: [first],
  })
})

test('an authority below one of path length 0 is refused, one that renews its own key is not', async () => {
  const keys = await generateKeys('ec-p256')
  const below = pki.authority({ name: 'BELOW', issuer: intermediate, keys })
  const presented = [read(below.certificate)]
  assertRefused(
    pki.client({ issuer: below }),
    ['certificate-untrusted', /allows 0 authorities below it \(pathLenConstraint\), found 1/],
    { presented },
  )

  const renewed = pki.authority({ name: 'TEST AC ORGANISATIONS', issuer: intermediate, keys })
  valueOf(ask(pki.client({ issuer: renewed }), { presented: [read(renewed.certificate)] }))
})

test('an authority for servers alone vouches for no client', () => {
  const extensions = (oid: number[]) => [
    {
      oid: '2.5.29.37',
      critical: false,
      value: Uint8Array.from([0x30, oid.length + 2, 0x06, oid.length, ...oid]),
    },
  ]
  const servers = pki.authority({
    name: 'I',
    issuer: root,
    extensions: extensions([0x2b, 6, 1, 5, 5, 7, 3, 1]),
  })
  assertRefused(
    pki.client({ issuer: servers }),
    ['certificate-untrusted', /may not vouch for clients \(extKeyUsage\)/],
    trusting(root, servers),
  )
  const clients = pki.authority({
    name: 'I',
    issuer: root,
    extensions: extensions([0x2b, 6, 1, 5, 5, 7, 3, 2]),
  })
  valueOf(ask(pki.client({ issuer: clients }), trusting(root, clients)))
})

test('purposes: only clientAuth opens, and it must be said', () => {
  assertRefused(pki.client({ extendedKeyUsage: [serverAuth] }), [
    'certificate-purpose',
    /expected extKeyUsage clientAuth, found serverAuth/,
  ])
  assertRefused(pki.client({ extendedKeyUsage: ['2.5.29.37.0'] }), [
    'certificate-purpose',
    /found anyExtendedKeyUsage/,
  ])
  assertRefused(pki.client({ extendedKeyUsage: 'none' }), ['certificate-purpose', /found none/])
  assertRefused(pki.client({ keyUsage: ['keyEncipherment', 'nonRepudiation'] }), [
    'certificate-purpose',
    /digitalSignature, found nonRepudiation, keyEncipherment/,
  ])
  assertRefused(pki.client({ basicConstraints: { ca: true } }), [
    'certificate-purpose',
    /that of an authority/,
  ])
  valueOf(ask(pki.client({ extendedKeyUsage: [serverAuth, clientAuth] })))
  valueOf(ask(pki.client({ keyUsage: 'none' })))
  valueOf(ask(pki.client({ extendedKeyUsage: 'none' }), { requireClientAuth: false }))
  assertRefused(pki.client({ extendedKeyUsage: [serverAuth] }), ['certificate-purpose', /clientAuth/], {
    requireClientAuth: false,
  })
})

test("a configured authority's own certificate is no client's", () => {
  for (const authority of [root, intermediate]) {
    assertRefused(read(authority.certificate), ['certificate-purpose', /of a configured authority/])
  }
})

test('a critical extension that nobody judges refuses the client', () => {
  const extensions = [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }]
  assertRefused(pki.client({ extensions }), ['certificate-untrusted', /critical extension `1.2.3.4`/])
})

test('weak hashes prove nothing', async () => {
  const keys = await generateKeys('rsa-2048')
  const rsa = pki.authority({ name: 'RSA', keys })
  for (const hash of ['md5', 'sha1'] as const) {
    const leaf = pki.client({ issuer: rsa, signature: { hash } })
    assertRefused(
      leaf,
      ['certificate-untrusted', new RegExp(`${hash}WithRSAEncryption\` is too weak`)],
      trusting(rsa),
    )
  }
  const pss = pki.client({ issuer: rsa, signature: { hash: 'sha1', pss: true } })
  assertRefused(pss, ['certificate-untrusted', /RSASSA-PSS with sha1` is too weak/], trusting(rsa))
  assertRefused(pki.client({ signature: { hash: 'sha1' } }), [
    'certificate-untrusted',
    /ecdsa-with-SHA1` is too weak/,
  ])
  // what a root says of itself relies on no signature
  const oldRoot = pki.authority({ name: 'OLD', keys, signature: { hash: 'sha1' } })
  valueOf(ask(pki.client({ issuer: oldRoot }), trusting(oldRoot)))
})

test('an intermediate signed with SHA-1 passes nothing on', async () => {
  const keys = await generateKeys('rsa-2048')
  const top = pki.authority({ name: 'TOP', keys })
  const weak = pki.authority({ name: 'WEAK', issuer: top, signature: { hash: 'sha1' } })
  assertRefused(pki.client({ issuer: weak }), ['certificate-untrusted', /too weak/], trusting(top, weak))
})

test('weak keys prove nothing, in a client and in an authority', async () => {
  const cases: readonly (readonly [KeyKind, RegExp])[] = [
    ['rsa-1024', /RSA key has 1024 bits, expected 2048 or more/],
    ['ec-secp256k1', /curve `secp256k1` is not one of/],
  ]
  for (const [kind, detail] of cases) {
    const keys = await generateKeys(kind)
    assertRefused(pki.client({ publicKey: keys.publicKey }), ['certificate-untrusted', detail])
    const weak = pki.authority({ name: 'WEAK', keys })
    assertRefused(pki.client({ issuer: weak }), ['certificate-untrusted', detail], trusting(weak))
  }
})

for (const kind of ['rsa-2048', 'rsa-pss-2048', 'ec-p256', 'ec-p384', 'ec-p521', 'ed25519'] as const) {
  test(`trusts what an authority with a key ${kind} signed`, async () => {
    const keys = await generateKeys(kind)
    const authority = pki.authority({ name: kind, keys })
    for (const signature of [{}, { hash: 'sha512' }, { pss: true }] as const) {
      valueOf(ask(pki.client({ issuer: authority, signature }), trusting(authority)))
    }
  })
}

test('dates: the second of notBefore and that of notAfter are valid, those beside them are not', () => {
  const paths = valueOf(buildPaths({ leaf: pki.client(), presented: [], ...trust }))
  const at = (moment: number, clockSkewMs = 0) => judgeValidity(paths, { at: moment, clockSkewMs })
  assert.equal(problemOf(at(start - 1)).reason, 'certificate-not-yet-valid')
  valueOf(at(start))
  valueOf(at(end + second - 1))
  assert.equal(problemOf(at(end + second)).reason, 'certificate-expired')
  valueOf(at(start - 60 * second, 60 * second))
  valueOf(at(end + 60 * second, 60 * second))
  assert.equal(problemOf(at(start - 60 * second - 1, 60 * second)).reason, 'certificate-not-yet-valid')
  assert.equal(problemOf(at(end + 61 * second, 60 * second)).reason, 'certificate-expired')
})

test('an authority that has expired expires those below it', () => {
  const old = pki.authority({ name: 'OLD', issuer: root, notAfter: now - second })
  assertRefused(
    pki.client({ issuer: old }),
    ['certificate-expired', /the authority `OLD`/],
    trusting(root, old),
  )
  const early = pki.authority({ name: 'EARLY', issuer: root, notBefore: now + second })
  assertRefused(
    pki.client({ issuer: early }),
    ['certificate-not-yet-valid', /the authority `EARLY`/],
    trusting(root, early),
  )
})

test('of a renewed authority the certificate that is valid now counts, in either order', () => {
  const old = pki.authority({ name: 'SAME', issuer: root, notAfter: now - second })
  const renewed = pki.authority({ name: 'SAME', issuer: root, notBefore: now - second })
  const leaf = pki.client({ issuer: old })
  for (const both of [
    [root, old, renewed],
    [renewed, old, root],
  ]) {
    valueOf(ask(leaf, trusting(...both)))
  }
})

test('reasons come in order: untrusted, purpose, not yet valid, expired', () => {
  const wrong = { extendedKeyUsage: [serverAuth], notAfter: now - second }
  assertRefused(pki.client({ ...wrong, signature: { hash: 'sha1' } }), ['certificate-untrusted', /./])
  assertRefused(pki.client(wrong), ['certificate-purpose', /./])
  const both = pki.authority({ name: 'LATE', issuer: root, notBefore: now + second })
  assertRefused(
    pki.client({ issuer: both, notAfter: now - second }),
    ['certificate-not-yet-valid', /./],
    trusting(root, both),
  )
  assertRefused(pki.client({ notAfter: now - second }), [
    'certificate-expired',
    /the certificate was valid until/,
  ])
})

test('authorities that issue each other in a circle lead nowhere, soon', async () => {
  const [one, two] = await Promise.all([generateKeys('ec-p256'), generateKeys('ec-p256')])
  const name = (text: string) => pki.authority({ name: text }).name
  const a = pki.authority({ name: 'A', keys: one, issuer: { ...root, name: name('B'), keys: two } })
  const b = pki.authority({ name: 'B', keys: two, issuer: { ...root, name: name('A'), keys: one } })
  const leaf = pki.client({ issuer: a })
  const presented = [a, b].map(({ certificate }) => read(certificate))
  assertRefused(leaf, ['certificate-untrusted', /no configured authority/], { presented })
  assertRefused(leaf, ['certificate-untrusted', /no configured authority/], trusting(a, b))
})

test('a crowd of namesakes costs a bounded number of signatures and leads nowhere', async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => generateKeys('ec-p256')))
  const self = { ...root, name: pki.authority({ name: 'CROWD' }).name }
  const presented = keys.map((pair) =>
    read(pki.authority({ name: 'CROWD', keys: pair, issuer: { ...self, keys: pair } }).certificate),
  )
  const first = keys[0]
  assert.ok(first !== undefined)
  const leaf = pki.client({ issuer: { ...self, keys: first } })
  assertRefused(leaf, ['certificate-untrusted', /no configured authority/], { presented })
  // a ninth is not looked at
  const ninth = [...presented, read(intermediate.certificate)]
  assertRefused(pki.client(), ['certificate-untrusted', /./], { ...trusting(root), presented: ninth })
})

test('a path of more than eight certificates is not followed', () => {
  const ladder = [root]
  for (let rung = 0; rung < 7; rung++) {
    ladder.push(pki.authority({ name: `RUNG ${rung}`, issuer: ladder[rung] ?? root, keys: root.keys }))
  }
  const climb = (rungs: number) => {
    const used = ladder.slice(0, rungs)
    return ask(pki.client({ issuer: used.at(-1) ?? root }), trusting(...used))
  }
  assert.equal(valueOf(climb(7)).chain.length, 8)
  assert.equal(problemOf(climb(8)).reason, 'certificate-untrusted')
})
