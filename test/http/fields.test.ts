import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { foldedName } from '../../src/http/field-names.js'
import {
  clientCertFields,
  clientFields,
  upstreamFields,
  type ClientFieldsSource,
} from '../../src/http/fields.js'
import type { Field } from '../../src/http/forwarder.js'

const fieldsFor = (
  rawHeaders: readonly string[],
  over: Partial<ClientFieldsSource> = {},
): readonly Field[] => {
  const client = clientFields({ identity: [], clientAddress: '192.0.2.1', host: 'h', ...over })
  return [...upstreamFields(rawHeaders, { client, requestId: 'id' }), ...client.fields]
}

const told = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'forwarded']
const ours = ['host', ...told, 'x-request-id']
const besides = (fields: readonly Field[]): readonly Field[] =>
  fields.filter(([name]) => !ours.includes(name.toLowerCase()))

const identityForms = [
  'Client-Cert',
  'Client-Cert-Chain',
  'X-Client-Cert',
  'CERT-CHAIN',
  'CERT-CHAIN-0',
  'Client-IP',
  'X-Remote-Addr',
  'X-Auth-Request-User',
  'X-MS-Client-Principal-Name',
  'X-Goog-Authenticated-User-Email',
  'Proxy',
  'X-Client-DN',
  'X-Client-Verify',
  'X-SSL-Client-Cert',
  'X-SSL-Client-S-DN',
  'SSL-Client-Cert',
  'SSL-Client-Cert-Chain-0',
  'SSL-Client-Verify',
  'SSL-Client-S-DN',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded',
  'Forwarded',
  'X-Real-IP',
  'X-Original-URL',
  'X-Original-Forwarded-For',
  'X-Rewrite-URL',
  'X-Request-Id',
]

test('an identity that the client claims stops here in every spelling', () => {
  for (const form of identityForms) {
    for (const name of [
      form,
      form.toLowerCase(),
      form.toUpperCase(),
      form.replaceAll('-', '_'),
      form.toUpperCase().replaceAll('-', '_'),
      form.replaceAll('-', '.'),
    ]) {
      const fields = fieldsFor([name, 'forged', 'Accept', 'a'])
      assert.deepEqual(besides(fields), [['Accept', 'a']], name)
      assert.ok(!fields.some(([, value]) => value.includes('forged')), name)
    }
  }
})

test('a field that `Connection` nominates stops here', () => {
  const fields = fieldsFor([
    'X-Hop',
    'a',
    'Connection',
    'close, x-hop',
    'connection',
    'X-Other',
    'X-OTHER',
    'b',
    'X-Kept',
    'c',
  ])
  assert.deepEqual(besides(fields), [['X-Kept', 'c']])
})

test('a configured identity field is ours alone, whether it is sent this time or not', () => {
  const identity: readonly Field[] = [['X-Partner', 'eai']]
  assert.deepEqual(besides(fieldsFor(['x_partner', 'forged'], { identity })), identity)
  assert.deepEqual(besides(fieldsFor(['x-PARTNER', 'forged'], { identityNames: ['X-Partner'] })), [])
})

test('ours come last, and the identity after all', () => {
  const fields = fieldsFor(['Accept', 'a'], { identity: [['Client-Cert', ':AA==:']] })
  assert.deepEqual(fields.at(0), ['Host', 'h'])
  assert.deepEqual(fields.at(1), ['Accept', 'a'])
  assert.deepEqual(fields.at(-1), ['Client-Cert', ':AA==:'])
})

for (const [clientAddress, host, forwardedFor, forwarded, port] of [
  ['192.0.2.1', 'h.example', '192.0.2.1', 'for=192.0.2.1;host=h.example;proto=https', '443'],
  ['::ffff:192.0.2.1', 'h:8443', '192.0.2.1', 'for=192.0.2.1;host="h:8443";proto=https', '8443'],
  ['2001:db8::1', 'h', '2001:db8::1', 'for="[2001:db8::1]";host=h;proto=https', '443'],
  ['fe80::1%eth0', '[::1]:1', 'fe80::1', 'for="[fe80::1]";host="[::1]:1";proto=https', '1'],
  ['', 'h', '', 'for=unknown;host=h;proto=https', '443'],
] as const) {
  test(`where a request came from is told anew: ${forwarded}`, () => {
    const fields = new Map(fieldsFor([], { clientAddress, host }))
    assert.equal(fields.get('X-Forwarded-For'), forwardedFor)
    assert.equal(fields.get('X-Forwarded-Host'), host)
    assert.equal(fields.get('X-Forwarded-Proto'), 'https')
    assert.equal(fields.get('X-Forwarded-Port'), port)
    assert.equal(fields.get('Forwarded'), forwarded)
    assert.equal(fields.get('Host'), host)
  })
}

test('Client-Cert is a Byte Sequence, its chain a List of them (RFC 9440)', () => {
  const der = new Uint8Array([0xfb, 0xff, 0x00, 0x01])
  assert.deepEqual(clientCertFields(der, []), [['Client-Cert', ':+/8AAQ==:']])
  assert.deepEqual(clientCertFields(der.subarray(1), [new Uint8Array([1]), new Uint8Array([2, 3])]), [
    ['Client-Cert', ':/wAB:'],
    ['Client-Cert-Chain', ':AQ==:, :AgM=:'],
  ])
})

test('whatever a client sends, each of our names stands once', () => {
  const name = fc.oneof(
    fc.constantFrom(...identityForms),
    fc.constantFrom('Host', 'Connection', 'Accept', 'Content-Length', 'Transfer-Encoding', 'TE', 'Expect'),
  )
  const spelling = fc.tuple(name, fc.constantFrom('-', '_', '.', '~'), fc.boolean())
  fc.assert(
    fc.property(fc.array(fc.tuple(spelling, fc.constantFrom('forged', 'client-cert, host'))), (sent) => {
      const rawHeaders = sent.flatMap(([[each, dash, isUpper], value]) => {
        const text = each.replaceAll('-', dash)
        return [isUpper ? text.toUpperCase() : text, value]
      })
      const fields = fieldsFor(rawHeaders, { identity: [['Client-Cert', ':AA==:']] })
      const folded = fields.map(([each]) => foldedName(each))
      for (const each of [...ours, 'client-cert']) {
        assert.equal(folded.filter((other) => other === each).length, 1, each)
      }
      for (const each of ['connection', 'content-length', 'transfer-encoding', 'te', 'expect']) {
        assert.ok(!folded.includes(each), each)
      }
    }),
  )
})
