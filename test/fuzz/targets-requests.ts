import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { establishmentInQuery } from '../../src/core/query-establishment.js'
import { judgeTarget } from '../../src/core/request-target.js'
import { judgeClientId } from '../../src/oauth/client-id.js'
import { judgeTokenBinding } from '../../src/oauth/token-binding.js'
import { readTokenForm } from '../../src/oauth/token-form.js'
import { jwtOf, part } from '../oauth/jwt.js'
import { standardConfig } from '../gateway/stand.js'
import { inFewWords, textOf, type FuzzTarget } from './target.js'

const { config } = parseGatewayConfig({ file: '/gateway.yaml', text: standardConfig('http://127.0.0.1:1') })
const rule = config?.environments[0]?.apis.flatMap(({ writes }) => writes)[0]
if (rule?.establishment.from !== 'query') throw new Error('the capacity PATCH is judged by its query')
const source = rule.establishment

const target: FuzzTarget = {
  name: 'target',
  seeds: [
    '/ws-synchro-dispo-lits-fhir/Location?identifier=1350054680/SSR38888',
    '/Location?identifier=1350054680%2FSSR%2038888',
    '/ws-diffusion-fhir/HealthcareService?specialty=https://mos.esante.gouv.fr/NOS/x|227&_x=(a%20b)',
  ],
  dictionary: [
    '%2F',
    '%25',
    '&identifier=',
    'identifier',
    '//',
    '/../',
    '/./',
    '%2e',
    ';',
    '|',
    ',',
    '+',
    '%00',
    '#',
    '%69',
    ':not',
    '52/192675',
    '&_id=1',
    'http://h',
  ],
  check: (input) => {
    const raw = textOf(input)
    const judged = judgeTarget(raw)
    if (!judged.ok) return inFewWords(judged.problem)
    const { path, query } = judged.value
    assert.equal(judged.value.raw, raw)
    assert.equal(query === undefined ? path : `${path}?${query}`, raw)
    // a reader that normalises sees the same path
    assert.equal(new URL(`http://h${raw}`).pathname, path)
    const found = establishmentInQuery(query, rule, source)
    if (!found.ok) return `${found.problem.reason} ${inFewWords(found.problem.detail ?? '')}`
    const parameters = [...new URLSearchParams(query)]
    assert.deepEqual(
      parameters.map(([name]) => name),
      ['identifier'],
    )
    const [number, unit, ...more] = parameters[0]?.[1].split('/') ?? []
    assert.equal(number, found.value.idNatStruct)
    assert.ok(unit !== undefined && unit !== '' && more.length === 0)
    return 'found'
  },
}

const certificateSha256 = createHash('sha256').update('certificate').digest('hex')
const thumbprint = createHash('sha256').update('certificate').digest('base64url')

/** A lenient reader: what JSON.parse makes of whatever Node decodes of the second part. */
function boundTo(authorization: string): unknown {
  const [, claims = ''] = (authorization.split(' ').at(-1) ?? '').split('.')
  // an obvious walk: whatever is missing throws, and is a finding
  const { cnf } = JSON.parse(Buffer.from(claims, 'base64').toString()) as { cnf: Record<string, unknown> }
  return cnf['x5t#S256']
}

const token: FuzzTarget = {
  name: 'token',
  seeds: [
    `Bearer ${jwtOf({ cnf: { 'x5t#S256': thumbprint } })}`,
    `Bearer ${jwtOf({ sub: 'x', cnf: { jkt: 'x' } })}`,
    'Basic dXNlcjpwYXNz',
    'Bearer opaque',
  ],
  dictionary: [
    '.',
    '=',
    ' ',
    'Bearer ',
    part({}),
    part({ cnf: {} }),
    part({ cnf: { 'x5t#S256': thumbprint } }),
    'e30',
  ],
  make: (random) => {
    const pieces = [
      '{',
      '}',
      '"cnf":',
      '"x5t#S256":',
      `"${thumbprint}"`,
      '"x"',
      ',',
      'null',
      '[',
      ']',
      '"\\u0063nf":',
      ' ',
    ]
    let claims = `{"cnf":{"x5t#S256":"${thumbprint}"}}`
    for (let steps = random.below(4); steps > 0; steps -= 1) {
      const at = random.below(claims.length + 1)
      claims = claims.slice(0, at) + (random.pick(pieces) ?? '') + claims.slice(at + random.below(3))
    }
    return new TextEncoder().encode(`Bearer ${part('{}')}.${part(claims)}.`)
  },
  check: (input) => {
    const authorization = textOf(input)
    const question = { authorization, query: undefined, certificateSha256 }
    const required = judgeTokenBinding({ ...question, binding: 'required' })
    const present = judgeTokenBinding({ ...question, binding: 'if-present' })
    if (required === undefined) {
      assert.equal(present, undefined)
      assert.equal(boundTo(authorization), thumbprint)
      return 'bound'
    }
    return `${inFewWords(required.detail ?? '')} ${present === undefined ? 'passes' : 'refused'}`
  },
}

const form: FuzzTarget = {
  name: 'form',
  seeds: [
    'grant_type=client_credentials&client_id=ror&client_secret=x%26y',
    `client_id=ror&client_assertion=${jwtOf({ iss: 'ror', sub: 'ror' })}`,
  ],
  dictionary: [
    'client_id=',
    '&',
    '=',
    '%',
    '+',
    'client%5Fid',
    '%00',
    ';',
    'ror',
    'CLIENT_ID=other',
    '&client_assertion=',
  ],
  check: (input) => {
    const read = readTokenForm(input, 'application/x-www-form-urlencoded')
    if (!read.ok) return `${read.problem.reason} ${inFewWords(read.problem.detail ?? '')}`
    const expected = new URLSearchParams(textOf(input))
    assert.ok(expected.getAll('client_id').length <= 1)
    assert.equal(read.value.clientId ?? '', expected.get('client_id') ?? '')
    const clientId = 'ror'
    const denial = judgeClientId({ clientId, form: read.value, authorization: undefined, query: undefined })
    if (denial !== undefined) return `${denial.reason} ${denial.detail ?? ''}`
    assert.ok([null, clientId, ''].includes(expected.get('client_id')))
    return 'the partner’s'
  },
}

export const requestTargets: readonly FuzzTarget[] = [target, token, form]
