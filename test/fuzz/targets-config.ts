import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readEstablishmentList } from '../../src/config/establishment-list.js'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { readWhitelistDocument } from '../../src/config/whitelist-file.js'
import type { Diagnostic } from '../../src/core/diagnostic.js'
import { root, readShared } from '../support/shared.js'
import { inFewWords, textOf, type FuzzTarget } from './target.js'

const folder = join(root, 'test', 'cases', 'config')
const cases = (word: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.includes(word) && name.endsWith('.yaml'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
// the shape is that of the corpus
const suite = (JSON.parse(readShared('corpora', 'yaml-suite.json')) as { yaml_b64?: string }[])
  .map(({ yaml_b64: text = '' }) => Buffer.from(text, 'base64'))
  .filter((bytes) => bytes.length > 0 && bytes.length < 4_096)
const yamlWords = [
  '- ',
  ': ',
  '\n  ',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '&a ',
  '*a',
  '!!str ',
  '|\n',
  '>-\n',
  '---\n',
  '# ',
  '<<: ',
  '? ',
  '\t',
  '%YAML 1.2\n',
]

function told(diagnostics: readonly Diagnostic[], text: string): string {
  const lines = text.split(/\r\n|\r|\n/).length
  for (const { place, message } of diagnostics) {
    assert.ok(place.line >= 1 && place.line <= lines && place.column >= 1, `${place.line}:${place.column}`)
    assert.ok(message.length > 0)
  }
  const [first] = diagnostics
  return first === undefined ? 'read' : `${first.code} ${inFewWords(first.message)}`
}

function partnersOf(text: string): {
  readonly partners: string
  readonly diagnostics: readonly Diagnostic[]
} {
  const partners: unknown[] = []
  const diagnostics = readWhitelistDocument({ file: 'w.yaml', text }, (partner) => partners.push(partner))
  const withoutPlaces = (key: string, value: unknown): unknown => (key === 'place' ? undefined : value)
  return { partners: JSON.stringify(partners, withoutPlaces), diagnostics }
}

const gatewayYaml: FuzzTarget = {
  name: 'gateway-yaml',
  seeds: [...cases('_gateway_'), ...suite],
  dictionary: [
    ...yamlWords,
    'environments:',
    'apis:',
    'writes:',
    'tls:',
    'establishment: { query: identifier, form: finess }',
  ],
  check: (input) => {
    const text = textOf(input)
    const { config, diagnostics } = parseGatewayConfig({ file: '/gateway.yaml', text })
    assert.equal(
      config === undefined,
      diagnostics.some(({ severity }) => severity === 'error'),
    )
    return told(diagnostics, text)
  },
}

const whitelist: FuzzTarget = {
  name: 'whitelist',
  seeds: [...cases('_whitelist_'), ...suite],
  dictionary: [
    ...yamlWords,
    'partners:\n',
    '  - id: x\n',
    '    certificates:\n      - subject: CN=x\n',
    '    apis: [token]\n',
    '010780054',
    '2E0000014',
  ],
  check: (input) => {
    const text = textOf(input)
    const { partners, diagnostics } = partnersOf(text)
    // the same text in a spelling that is read as a whole means the same
    if (diagnostics.length === 0 && text.startsWith('partners:')) {
      const whole = partnersOf(text.replace('partners:', '"partners":'))
      assert.equal(whole.partners, partners)
      assert.deepEqual(whole.diagnostics, [])
    }
    return told(diagnostics, text)
  },
}

const list: FuzzTarget = {
  name: 'list',
  seeds: [
    '350054680\n290004324\n',
    'FINESS;Nom\n"350054680";"CH"\n010780054;x\n',
    'IdNatStruct,y\n1350054680,\n',
  ],
  dictionary: [
    ';',
    ',',
    '\t',
    '"',
    '""',
    '\r\n',
    '\ufeff',
    '350054680',
    '1350054680',
    'FINESS EG',
    '#',
    '2A0000014',
    '1.0780054e8',
  ],
  check: (input) => {
    const text = textOf(input)
    const { establishments, diagnostics } = readEstablishmentList({ file: 'list.csv', text })
    for (const number of establishments) assert.match(number, /^[0-4][0-9A-Z]{8,15}$/)
    return told(diagnostics, text)
  },
}

export const configTargets: readonly FuzzTarget[] = [gatewayYaml, whitelist, list]
