import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { GatewayConfig } from '../../src/config/gateway-config.js'
import { ownershipOf, usualUnitCharacters } from '../../src/core/write-rule.js'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { formatDiagnostic } from '../../src/core/diagnostic.js'
import { sharedPath } from '../support/shared.js'

// the configuration contract, as DESIGN.md writes it
const contract =
  /```yaml\n(# gateway\.yaml[\s\S]*?)```/.exec(readFileSync(sharedPath('DESIGN.md'), 'utf8'))?.[1] ?? ''
const file = '/etc/ror/gateway.yaml'

function read(text: string): GatewayConfig {
  const { config, diagnostics } = parseGatewayConfig({ file, text })
  assert.deepEqual(diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic), [])
  assert.ok(config !== undefined)
  return config
}

function refusals(text: string): readonly string[] {
  const { config, diagnostics } = parseGatewayConfig({ file: 'g.yaml', text })
  assert.equal(config, undefined)
  return diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic)
}

/** The contract with one piece replaced; fails where the piece is not there. */
function altered(piece: string | RegExp, by: string): string {
  const text = contract.replace(piece, by)
  assert.notEqual(text, contract, `${String(piece)} stands nowhere`)
  return text
}

function secondEnvironment(edit: (text: string) => string): string {
  const [head = '', ...rest] = contract.split('  - name: sandbox')
  const [body = '', tail = ''] = rest.join('').split(/^(?=admin:)/m)
  return `${head}  - name: sandbox${body}${edit(`  - name: production${body}`)}${tail}`
}

test('the contract is read, with paths from the folder of the file and every default filled in', () => {
  const config = read(contract)
  const [sandbox] = config.environments
  assert.ok(sandbox !== undefined)
  assert.equal(sandbox.name, 'sandbox')
  assert.deepEqual([sandbox.listen.host, sandbox.listen.port], ['127.0.0.1', 8443])
  assert.equal(sandbox.tls.certificate.path, '/etc/ror/pki/server.pem')
  assert.deepEqual(
    sandbox.tls.clientCa.map(({ path }) => path),
    ['/etc/ror/pki/client-ca.pem'],
  )
  assert.equal(sandbox.tls.crlPolicy, 'require')
  assert.equal(sandbox.tls.handshake, 'report')
  assert.equal(sandbox.tls.minVersion, 'TLSv1.2')
  assert.equal(sandbox.whitelist.path, '/etc/ror/whitelist/')
  assert.equal(config.audit.file?.path, '/etc/ror/audit.ndjson')
  assert.equal(config.audit.onFailure, 'refuse')
  assert.equal(config.admin?.listen.port, 9464)
  assert.equal(config.log.level, 'info')
  assert.equal(sandbox.clientCertChain, false)
  const [token, , write, csd] = sandbox.apis
  assert.equal(token?.match, 'either')
  assert.deepEqual(write?.writes, [
    {
      method: 'PATCH',
      path: ['Location'],
      establishment: { from: 'query', parameter: 'identifier', form: 'idnatstruct/unit' },
      also: undefined,
      storedType: undefined,
      prefixes: ['1'],
      parameters: [],
      patch: { resource: 'Location', paths: ['Location'], except: ownershipOf('Location') },
      maxBodyBytes: 1_048_576,
      maxEntries: 100,
      conditionalCreate: false,
      unitCharacters: usualUnitCharacters,
    },
  ])
  // without hosts: wherever the environment answers
  assert.deepEqual(csd?.hosts, [
    'bas-auth-api.qualif.ror.esante.gouv.fr',
    'bas-api-fhir.qualif.ror.esante.gouv.fr',
    '127.0.0.1',
    'localhost',
  ])
})

test('places lead to the line that named a path', () => {
  const [sandbox] = read(contract).environments
  const lines = contract.split('\n')
  const place = sandbox?.tls.clientCa[0]?.place
  assert.ok(place !== undefined)
  assert.ok(lines[place.line - 1]?.slice(place.column - 1).startsWith('pki/client-ca.pem'))
})

test('every establishment source of the contract is read', () => {
  const source = (written: string, method = 'POST') =>
    read(
      altered('{ query: identifier, form: idnatstruct/unit }', written).replace(
        'method: PATCH',
        `method: ${method}`,
      ),
    ).environments[0]?.apis[2]?.writes[0]?.establishment
  assert.deepEqual(source('{ query: id, form: finess }', 'PATCH'), {
    from: 'query',
    parameter: 'id',
    form: 'finess',
  })
  assert.deepEqual(source('{ query: id, form: idnatstruct }', 'PATCH'), {
    from: 'query',
    parameter: 'id',
    form: 'idnatstruct',
  })
  assert.deepEqual(source('{ body: organization-identifier }'), {
    from: 'body',
    shape: 'organization-identifier',
  })
  assert.deepEqual(source('{ body: task-focus }'), { from: 'body', shape: 'task-focus' })
  assert.deepEqual(source('{ body: bundle }'), { from: 'body', shape: 'bundle' })
  assert.deepEqual(source('{ reference: providedBy, resolve: upstream }', 'PUT'), {
    from: 'reference',
    reference: 'providedBy',
    resolve: 'upstream',
  })
})

test('a patch whose URL names the establishment is judged by its body too, unless `unread` is written', () => {
  const patch = (rule: string, path = '/Location') =>
    read(altered('path: /Location', `path: ${path}\n            ${rule}`)).environments[0]?.apis[2]?.writes[0]
      ?.patch
  assert.deepEqual(patch('prefixes: ["1", "3"]'), {
    resource: 'Location',
    paths: ['Location'],
    except: ownershipOf('Location'),
  })
  assert.equal(patch('patch: unread'), undefined)
  assert.deepEqual(patch('patch: { resource: Location, paths: [Location.extension] }'), {
    resource: 'Location',
    paths: ['Location.extension'],
  })
  const nameless = refusals(altered('path: /Location', 'path: /lits'))
  assert.match(nameless.join(), /missing key `patch`/)
  const astray = refusals(
    altered(
      'path: /Location',
      'path: /Location\n            patch: { resource: Location, paths: [Organization] }',
    ),
  )
  assert.match(astray.join(), /expected a path that begins with `Location`, found `Organization`/)
})

test('without a CRL the policy must be written, and a policy that needs one is refused', () => {
  assert.equal(read(altered('crlPolicy: require ', ' ')).environments[0]?.tls.crlPolicy, 'require')
  assert.equal(
    read(altered(/crl: \[.*\n +crlPolicy: require /, 'crlPolicy: off ')).environments[0]?.tls.crlPolicy,
    'off',
  )
  assert.match(refusals(altered(/crl: \[.*\n +crlPolicy: require.*\n/, '\n')).join(), /or `crlPolicy: off`/)
  assert.match(refusals(altered(/crl: \[.*\n/, '\n')).join(), /`require` needs at least one file in `crl`/)
})

test('two environments apart by port are read; on one address, only without a shared host', () => {
  const moved = secondEnvironment((text) => text.replace('8443', '8444').replaceAll('qualif.', ''))
  assert.deepEqual(
    read(moved).environments.map(({ name }) => name),
    ['sandbox', 'production'],
  )
  const shared = secondEnvironment((text) => text.replaceAll('qualif.', ''))
  assert.deepEqual(read(shared).environments[1]?.apis[3]?.hosts, [
    'bas-auth-api.ror.esante.gouv.fr',
    'bas-api-fhir.ror.esante.gouv.fr',
  ])
  const clash = refusals(secondEnvironment((text) => text))
  assert.equal(clash.length, 1)
  assert.match(clash.join(), /share an address, and so must not share the host `bas-auth-api/)
  const wildcard = refusals(
    secondEnvironment((text) => text.replace('127.0.0.1, port: 8443', '0.0.0.0, port: 8443')),
  )
  assert.match(wildcard.join(), /would listen on the same port 8443 through different addresses/)
  const anywhere = secondEnvironment((text) => text).replaceAll('port: 8443', 'port: 0')
  assert.equal(read(anywhere).environments.length, 2)
  assert.match(refusals(altered('port: 9464', 'port: 8443')).join(), /`sandbox` and `admin` would listen/)
})

test('two environments that trust one file are read, with a warning', () => {
  const text = secondEnvironment((body) => body.replace('8443', '8444'))
  const { config, diagnostics } = parseGatewayConfig({ file: 'g.yaml', text })
  assert.equal(config?.environments.length, 2)
  const [warning, ...more] = diagnostics
  assert.deepEqual([warning?.severity, warning?.code, more.length], ['warning', 'shared-anchor', 0])
  assert.equal(warning?.related?.[0]?.place.line, 8)
})

test('names that two things claim are refused with both places', () => {
  const twice = refusals(
    secondEnvironment((text) => text.replace('production', 'sandbox').replace('8443', '8444')),
  )
  assert.match(twice.join(), /two environments are named `sandbox`\n {2}g\.yaml:3:11 the other one/)
  const api = refusals(altered('name: csd', 'name: token'))
  assert.match(api.join(), /^g\.yaml:34:15 two APIs are named `token`\n {2}g\.yaml:13:15 the other one/)
  const path = refusals(altered('path: /csd', 'path: /ws-diffusion-fhir'))
  assert.match(
    path.join(),
    /two APIs answer on `bas-api-fhir.qualif.ror.esante.gouv.fr\/ws-diffusion-fhir`: `fhir-read` and `csd`\n {2}g\.yaml/,
  )
  const rule =
    '          - method: PATCH\n            path: /Location\n            establishment: { query: identifier, form: idnatstruct/unit }\n'
  assert.match(refusals(altered(rule, rule + rule)).join(), /two rules describe `PATCH \/Location`/)
})

test('paths that could be read in two ways are refused', () => {
  for (const path of [
    'csd',
    '/csd/',
    '//csd',
    '/a//b',
    '/a/../b',
    '/./a',
    '/%63sd',
    '/a?b',
    "'/a#b'",
    '/a;b',
    "'/a b'",
    '/é',
  ]) {
    assert.match(refusals(altered('path: /csd', `path: ${path}`)).join(), /`path`: expected a/, path)
  }
  for (const path of [
    'Location',
    '/Location/',
    '//Location',
    '/Loc{id}',
    '/{}',
    '/%4cocation',
    '/a/../b',
    '/a?b',
  ]) {
    assert.match(
      refusals(altered('path: /Location', `path: ${path}`)).join(),
      /`path`: expected a template/,
      path,
    )
  }
})

test('an upstream is an origin, and its credentials are never repeated', () => {
  for (const upstream of [
    '127.0.0.1:9082',
    'ftp://h',
    'http://h/',
    'http://h/x',
    'http://h?x',
    'http://h:0',
    'http://h:70000',
    'http://',
    'http://h x',
    'http://[::1',
  ]) {
    assert.match(
      refusals(altered('http://127.0.0.1:9082', `'${upstream}'`)).join(),
      /`upstream`: expected/,
      upstream,
    )
  }
  const secret = refusals(altered('http://127.0.0.1:9082', 'http://user:hunter2@h')).join()
  assert.match(secret, /credentials must not stand here/)
  assert.ok(!secret.includes('hunter2'))
  for (const upstream of ['http://ror.internal', 'https://[::1]:9443', 'http://h:65535']) {
    assert.equal(
      read(altered('http://127.0.0.1:9082', `'${upstream}'`)).environments[0]?.apis[3]?.upstream.servers[0],
      upstream,
    )
  }
})

test('writes stand beside FHIR alone, and a write whose establishment cannot be found is refused', () => {
  const csd = refusals(
    contract.replace(
      /(kind: csd.*\n)/,
      '$1        writes: [{ method: PUT, path: /x, establishment: { body: task-focus } }]\n',
    ),
  )
  assert.match(csd.join(), /`writes`: stands beside `kind: fhir` only/)
  const del = refusals(
    altered('{ query: identifier, form: idnatstruct/unit }', '{ body: task-focus }').replace(
      'method: PATCH',
      'method: DELETE',
    ),
  )
  assert.match(del.join(), /a DELETE has no body/)
  const put = refusals(
    altered('{ query: identifier, form: idnatstruct/unit }', '{ body: bundle }').replace(
      'method: PATCH',
      'method: PUT',
    ),
  )
  assert.match(put.join(), /a bundle is sent by POST/)
  const both = refusals(
    altered('{ query: identifier, form: idnatstruct/unit }', '{ body: bundle, reference: partOf }'),
  )
  assert.match(both.join(), /expected one of `query`, `body` or `reference`.* found `body` and `reference`/)
  const none = refusals(altered('{ query: identifier, form: idnatstruct/unit }', '{}'))
  assert.match(none.join(), /found none/)
  const formless = refusals(altered(', form: idnatstruct/unit', ''))
  assert.match(formless.join(), /missing key `form`: expected one of `idnatstruct\/unit`/)
  const judged = refusals(altered('path: /Location', 'path: /Location\n            parameters: [identifier]'))
  assert.match(judged.join(), /must not stand among those that are not/)
})

test('identity fields are read; those with a meaning of their own and doubles are refused', () => {
  const fields = (list: string) => altered('    whitelist:', `    identityHeaders: ${list}\n    whitelist:`)
  const [sandbox] = read(
    fields(
      '[{ name: ssl-client-cert, value: pem-urlencoded }, { name: SSL_CLIENT_S_DN, value: subject-openssl }]',
    ),
  ).environments
  assert.deepEqual(
    sandbox?.identityHeaders.map(({ name, value }) => `${name}=${value}`),
    ['ssl-client-cert=pem-urlencoded', 'SSL_CLIENT_S_DN=subject-openssl'],
  )
  for (const name of [
    'Host',
    'Client-Cert',
    'client_cert',
    'Transfer-Encoding',
    'Authorization',
    'X-Forwarded-For',
  ]) {
    assert.match(
      refusals(fields(`[{ name: ${name}, value: serial }]`)).join(),
      /has a meaning of its own/,
      name,
    )
  }
  assert.match(refusals(fields('[{ name: "a b", value: serial }]')).join(), /expected a field name/)
  assert.match(
    refusals(fields('[{ name: X-A, value: serial }, { name: x_a, value: verify }]')).join(),
    /two identity fields/,
  )
})

test('all that is wrong is told at once, in the order of the file, each with its place', () => {
  const text = contract
    .replace('port: 8443', 'prot: 8443')
    .replace('match: subject ', 'match: subjetc ')
    .replace('clientCa: [pki/client-ca.pem]', 'clientCa: pki/client-ca.pem')
    .replace('adnim:', 'admin:')
    .replace('path: /csd', 'paht: /csd')
  const found = refusals(text)
  for (const expected of [
    /^g\.yaml:4:13 missing key `port`$/,
    /^g\.yaml:4:32 unknown key `prot`; did you mean `port`\?$/,
    /^g\.yaml:8:17 `clientCa`: expected a list, found `pki\/client-ca\.pem`$/,
    /^g\.yaml:22:16 `match`: expected one of `subject`, `public-key` or `either`, found `subjetc`; did you mean `subject`\?$/,
    /^g\.yaml:36:9 unknown key `paht`; did you mean `path`\?$/,
  ]) {
    assert.ok(
      found.some((line) => expected.test(line)),
      `${String(expected)} is not in\n${found.join('\n')}`,
    )
  }
})

test('a private key pasted into the file is not repeated by an error', () => {
  const found = refusals(altered('kind: csd ', 'kind: "-----BEGIN PRIVATE KEY----- MIIsecret" ')).join()
  assert.ok(!found.includes('MIIsecret'))
})
