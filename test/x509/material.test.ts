import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { bundleAsPkcs7 } from '../../src/x509/issue.js'
import { generateKeys, privateKeyPem, spkiDer } from '../../src/x509/keys.js'
import { looksLikeMaterial, readCertificates, readPins } from '../../src/x509/material.js'
import { toPem } from '../../src/x509/pem.js'
import { sharedPath } from '../support/shared.js'
import { createPki, openssl, problemOf, read, valueOf } from './issuing.js'

const pki = await createPki()
const leaf = pki.clientDer()
const authorities = [pki.root, pki.intermediate].map(({ certificate }) => certificate)
const chain = [leaf, ...authorities]
const spki = spkiDer(pki.clientKeys.publicKey)
const pin = createHash('sha256').update(spki).digest('hex')
const pem = (label: string, der: Uint8Array) => toPem(label, der)
const bytes = (...parts: string[]) => Buffer.from(parts.join(''))

const digests = (file: Uint8Array) => valueOf(readCertificates(file)).map(({ sha256 }) => sha256)
const expected = chain.map((der) => read(der).sha256)

/** Runs OpenSSL in a folder of its own. */
function withFolder<Value>(use: (path: (name: string) => string) => Value): Value {
  const folder = mkdtempSync(join(tmpdir(), 'x509-material-'))
  try {
    return use((name) => join(folder, name))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('reads certificates from DER, PEM and PKCS#7, in the order of the file', () => {
  assert.deepEqual(digests(leaf), expected.slice(0, 1))
  const blocks = chain.map((der) => pem('CERTIFICATE', der))
  assert.deepEqual(digests(bytes(...blocks)), expected)
  assert.deepEqual(digests(bundleAsPkcs7(chain)), expected)
  assert.deepEqual(digests(bytes(pem('PKCS7', bundleAsPkcs7(chain)))), expected)
  assert.equal(digests(readFileSync(sharedPath('samples', 'igc', 'igc-ACI-EL-ORG.cer'))).length, 1)
})

test('takes PEM as mails and consoles make it: text around, CR LF, indentation, a byte order mark', () => {
  const block = pem('CERTIFICATE', leaf)
  const dressings = [
    `0 s:C = FR, CN = x\n   i:C = FR\n${block}---\nServer certificate\n`,
    block.replaceAll('\n', '\r\n'),
    block.replaceAll(/^/gm, '    '),
    `\ufeff${block}`,
    block.trimEnd(),
  ]
  for (const text of dressings) assert.deepEqual(digests(Buffer.from(text)), expected.slice(0, 1))
})

test("reads OpenSSL's own PKCS#7", () => {
  withFolder((path) => {
    writeFileSync(path('chain.pem'), bytes(...chain.map((der) => pem('CERTIFICATE', der))))
    for (const form of ['DER', 'PEM']) {
      openssl([
        'crl2pkcs7',
        '-nocrl',
        '-certfile',
        path('chain.pem'),
        '-outform',
        form,
        '-out',
        path('chain.p7b'),
      ])
      assert.deepEqual(digests(readFileSync(path('chain.p7b'))).sort(), [...expected].sort())
    }
  })
})

test('refuses every form of private key for what it is, before anything else', async () => {
  const [rsa, ec] = await Promise.all([generateKeys('rsa-2048'), generateKeys('ec-p256')])
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'x' }
  const files: Record<string, Uint8Array | string> = {
    'PKCS#8 PEM': privateKeyPem(ec),
    'PKCS#8 DER': ec.privateKey.export({ type: 'pkcs8', format: 'der' }),
    'encrypted PKCS#8 PEM': ec.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }),
    'encrypted PKCS#8 DER': ec.privateKey.export({ type: 'pkcs8', format: 'der', ...cipher }),
    'PKCS#1 PEM': rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }),
    'PKCS#1 DER': rsa.privateKey.export({ type: 'pkcs1', format: 'der' }),
    'SEC1 PEM': ec.privateKey.export({ type: 'sec1', format: 'pem' }),
    'SEC1 DER': ec.privateKey.export({ type: 'sec1', format: 'der' }),
    'a key behind its certificate': pem('CERTIFICATE', leaf) + privateKeyPem(ec),
    'Base64 alone': Buffer.from(ec.privateKey.export({ type: 'pkcs8', format: 'der' })).toString('base64'),
    'a Java keystore': Uint8Array.of(0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2),
    'a PKCS#12 store': withFolder((path) => {
      writeFileSync(path('all.pem'), privateKeyPem(pki.clientKeys) + pem('CERTIFICATE', leaf))
      openssl(['pkcs12', '-export', '-in', path('all.pem'), '-passout', 'pass:x', '-out', path('all.p12')])
      return readFileSync(path('all.p12'))
    }),
  }
  for (const [name, file] of Object.entries(files)) {
    const given = typeof file === 'string' ? Buffer.from(file) : file
    for (const problem of [problemOf(readCertificates(given)), problemOf(readPins(given))]) {
      assert.equal(problem.code, 'private-key-present', name)
      assert.match(problem.message, /give the certificate alone/)
    }
  }
})

test('tells Base64 without its PEM lines, and keys of SSH, from lists and from what is malformed', () => {
  const base64 = Buffer.from(leaf).toString('base64')
  const files: readonly (readonly [string, string])[] = [
    [base64, 'base64-alone'],
    [`\ufeff${base64.replaceAll(/.{64}/g, '$&\r\n')}\r\n`, 'base64-alone'],
    ['ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ== gateway', 'ssh-key'],
    ['ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=', 'ssh-key'],
    ['---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2E=\n---- END SSH2 PUBLIC KEY ----\n', 'ssh-key'],
  ]
  for (const [text, code] of files) {
    assert.equal(looksLikeMaterial(Buffer.from(text)), true, text)
    assert.equal(problemOf(readCertificates(Buffer.from(text))).code, code, text)
  }
  for (const text of ['Maison;350054680', 'MAISON', '350054680\n', 'ssh;350054680', '----- ;350054680'])
    assert.equal(looksLikeMaterial(Buffer.from(text)), false, text)
})

test('a private key is refused with the line it stands on, and nothing of it is repeated', () => {
  const key = privateKeyPem(pki.clientKeys)
  const { line, message } = problemOf(readCertificates(bytes(pem('CERTIFICATE', leaf), key)))
  assert.equal(line, pem('CERTIFICATE', leaf).split('\n').length)
  for (const secret of key.split('\n').slice(1, -2)) assert.ok(!message.includes(secret))
})

test('gives the pin of a public key, a certificate or a PKCS#7, as OpenSSL computes it', () => {
  const files = [
    spki,
    bytes(pem('PUBLIC KEY', spki)),
    leaf,
    bytes(pem('CERTIFICATE', leaf)),
    bundleAsPkcs7([leaf]),
    // the chain that came along is not the partner's
    bundleAsPkcs7(chain),
    bytes(...chain.map((der) => pem('CERTIFICATE', der))),
    // one key twice is one pin
    bytes(pem('PUBLIC KEY', spki), pem('CERTIFICATE', leaf)),
  ]
  for (const file of files) assert.deepEqual(valueOf(readPins(file)), [pin])
})

test('an RSA public key has one pin, as PKCS#1 or as SubjectPublicKeyInfo', async () => {
  const { publicKey } = await generateKeys('rsa-2048')
  const expectedPin = createHash('sha256').update(spkiDer(publicKey)).digest('hex')
  const files = [
    publicKey.export({ type: 'spki', format: 'pem' }),
    publicKey.export({ type: 'pkcs1', format: 'pem' }),
    publicKey.export({ type: 'pkcs1', format: 'der' }),
  ]
  for (const file of files) assert.deepEqual(valueOf(readPins(Buffer.from(file))), [expectedPin])
})

test('two keys are two pins', async () => {
  const other = await generateKeys('ed25519')
  const pins = valueOf(readPins(bytes(pem('PUBLIC KEY', spki), pem('PUBLIC KEY', spkiDer(other.publicKey)))))
  assert.equal(pins.length, 2)
})

const block = pem('CERTIFICATE', leaf)
const certificateProblems: readonly (readonly [
  name: string,
  file: Uint8Array,
  code: string,
  message: RegExp,
])[] = [
  ['nothing', new Uint8Array(), 'certificate-absent', /empty file/],
  ['text without a block', bytes('hello\n'), 'material-unknown', /neither PEM nor DER/],
  ['a public key alone', bytes(pem('PUBLIC KEY', spki)), 'public-key-only', /found a public key alone/],
  ['a DER public key alone', spki, 'public-key-only', /found a public key alone/],
  ['a request', bytes(pem('CERTIFICATE REQUEST', leaf)), 'certificate-request', /found a request/],
  ['a CRL', bytes(pem('X509 CRL', leaf)), 'material-unknown', /found `X509 CRL`/],
  ['a block that does not end', bytes(block.slice(0, -30)), 'pem-malformed', /END/],
  ['an END without BEGIN', bytes('-----END CERTIFICATE-----\n'), 'pem-malformed', /before its END/],
  [
    'blocks inside each other',
    bytes('-----BEGIN CERTIFICATE-----\n', block),
    'pem-malformed',
    /begins on line 1/,
  ],
  ['another END', bytes(block.replace('END CERTIFICATE', 'END PKCS7')), 'pem-malformed', /before its END/],
  ['a quoted mail', bytes(block.replaceAll(/^/gm, '> ')), 'pem-malformed', /alone on their lines/],
  ['bad Base64', bytes(block.replace('\nM', '\n!')), 'pem-malformed', /expected Base64/],
  [
    'an empty block',
    bytes('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'),
    'pem-malformed',
    /Base64/,
  ],
  ['UTF-16', Buffer.from(`\ufeff${block}`, 'utf16le'), 'text-encoding', /UTF-16/],
  [
    'a broken certificate',
    bytes(pem('CERTIFICATE', leaf.subarray(0, -1))),
    'certificate-malformed',
    /cut short/,
  ],
  ['an empty PKCS#7', bundleAsPkcs7([]), 'certificate-absent', /found none/],
  [
    'a broken PKCS#7',
    bytes(pem('PKCS7', bundleAsPkcs7([leaf]).subarray(0, -9))),
    'pkcs7-malformed',
    /PKCS#7/,
  ],
  ['too much', new Uint8Array(9_000_000), 'material-too-large', /at most/],
]
for (const [name, file, code, message] of certificateProblems) {
  test(`says what is wrong with ${name}`, () => {
    const problem = problemOf(readCertificates(file))
    assert.equal(problem.code, code)
    assert.match(problem.message, message)
  })
}

test('says on which line the certificate that spoils the file stands', () => {
  const broken = problemOf(readCertificates(bytes(block, pem('CERTIFICATE', leaf.subarray(0, -1)))))
  assert.equal(broken.line, block.split('\n').length)
})

test('authorities alone give no pin', () => {
  const { code } = problemOf(readPins(bundleAsPkcs7(authorities)))
  assert.equal(code, 'authority-only')
})

test('a malformed public key gives no pin', () => {
  for (const file of [
    spki.subarray(0, -1),
    bytes(pem('PUBLIC KEY', spki.subarray(0, -1))),
    bytes(pem('RSA PUBLIC KEY', spki)),
  ]) {
    assert.ok(['public-key-malformed', 'material-unknown'].includes(problemOf(readPins(file)).code))
  }
})

test('no bytes make it throw', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .uint8Array({ maxLength: 60 })
      .map((inside) => Buffer.concat([Uint8Array.of(0x30, inside.length), inside])),
    fc.string().map((text) => Buffer.from(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`)),
  )
  fc.assert(
    fc.property(anything, (file) => {
      assert.equal(typeof readCertificates(file).ok, 'boolean')
      assert.equal(typeof readPins(file).ok, 'boolean')
    }),
    { numRuns: 500 },
  )
  const real = [bundleAsPkcs7([leaf]), spki]
  for (const original of real) {
    for (let place = 0; place < original.length; place++) {
      const changed = Buffer.from(original)
      changed[place] = 0xff
      readPins(changed)
      readCertificates(changed)
    }
  }
})
