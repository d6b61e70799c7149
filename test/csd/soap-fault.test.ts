import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import { SaxesParser } from 'saxes'
import { deny } from '../../src/core/decision.js'
import { denialReasons, renderingOf } from '../../src/core/reasons.js'
import { legible, reasonSystem } from '../../src/core/refusal-text.js'
import { renderSoapFailure, renderSoapFault } from '../../src/csd/soap-fault.js'

const soap11 = 'http://schemas.xmlsoap.org/soap/envelope/'
const soap12 = 'http://www.w3.org/2003/05/soap-envelope'

interface Leaf {
  readonly path: string
  readonly namespace: string
  readonly language: string | undefined
  readonly name: string | undefined
  readonly text: string
}

/** Every element without children, as path of local names, its namespace, attributes and text. */
function leavesOf(xml: string): readonly Leaf[] {
  const leaves: Leaf[] = []
  const open: { leaf: Omit<Leaf, 'text'>; isLeaf: boolean; text: string }[] = []
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', (tag) => {
    const parent = open.at(-1)
    if (parent !== undefined) parent.isLeaf = false
    const path = [parent?.leaf.path, tag.local].filter((step) => step !== undefined).join('/')
    const { attributes } = tag
    open.push({
      leaf: {
        path,
        namespace: tag.uri,
        language: attributes['xml:lang']?.value,
        name: attributes['name']?.value,
      },
      isLeaf: true,
      text: '',
    })
  })
  parser.on('text', (text) => {
    const current = open.at(-1)
    if (current !== undefined) current.text += text
  })
  parser.on('closetag', () => {
    const closed = open.pop()
    if (closed?.isLeaf) leaves.push({ ...closed.leaf, text: closed.text })
  })
  parser.write(xml).close()
  return leaves
}

function textAt(leaves: readonly Leaf[], path: string, language?: string): string | undefined {
  const found = leaves.filter(
    (leaf) => leaf.path.endsWith(path) && (language === undefined || leaf.language === language),
  )
  assert.ok(found.length <= 1, path)
  return found[0]?.text
}

describe('a refusal as SOAP Fault', () => {
  it('is SOAP 1.1 for text/xml and for whatever is no SOAP 1.2', () => {
    for (const contentType of [
      'text/xml; charset=utf-8',
      'text/xml',
      undefined,
      'application/soap+xmlx',
      'x',
    ]) {
      const rendered = renderSoapFault({
        denial: deny('api-not-granted'),
        requestId: 'request-1',
        contentType,
      })
      assert.equal(rendered.contentType, 'text/xml; charset=utf-8')
      const leaves = leavesOf(rendered.body)
      assert.equal(textAt(leaves, 'Envelope/Body/Fault/faultcode'), 'soap:Client')
      assert.ok(rendered.body.includes(`xmlns:soap="${soap11}"`))
      const fr = renderingOf('api-not-granted').fr
      assert.equal(textAt(leaves, 'Envelope/Body/Fault/faultstring', 'fr'), fr)
      // in SOAP 1.1 these stand in no namespace
      assert.equal(leaves.find((leaf) => leaf.path.endsWith('faultcode'))?.namespace, '')
      assert.equal(textAt(leaves, 'Fault/detail/refusal/reason'), 'api-not-granted')
      assert.equal(textAt(leaves, 'Fault/detail/refusal/requestId'), 'request-1')
    }
  })

  it('is SOAP 1.2 for application/soap+xml, with our reason as subcode', () => {
    for (const reason of denialReasons) {
      const { status, en, fr } = renderingOf(reason)
      const denial = deny(reason, { detail: 'only for the operator', sent: { subject: 'CN=<x>&"y"' } })
      const contentType = 'application/soap+xml; charset=utf-8; action="urn:x"'
      const rendered = renderSoapFault({ denial, requestId: 'request-1', contentType })
      assert.equal(rendered.contentType, 'application/soap+xml; charset=utf-8')
      const leaves = leavesOf(rendered.body)
      assert.ok(leaves.every((leaf) => leaf.namespace === soap12 || leaf.namespace === reasonSystem))
      assert.equal(textAt(leaves, 'Fault/Code/Value'), status < 500 ? 'soap:Sender' : 'soap:Receiver')
      assert.equal(textAt(leaves, 'Fault/Code/Subcode/Value'), `ror:${reason}`)
      assert.equal(textAt(leaves, 'Fault/Reason/Text', 'fr'), fr)
      assert.equal(textAt(leaves, 'Fault/Reason/Text', 'en'), en)
      assert.equal(textAt(leaves, 'Fault/Detail/refusal/text', 'en'), en)
      const sent = leaves.find((leaf) => leaf.path.endsWith('refusal/sent'))
      assert.deepEqual([sent?.name, sent?.text], ['subject', 'CN=<x>&"y"'])
      assert.ok(!rendered.body.includes('operator'))
    }
  })

  it('is well-formed whatever was sent', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('text/xml', 'application/soap+xml'),
        (text, contentType) => {
          const denial = deny('request-ambiguous', { sent: { [`n${text}`]: text } })
          const leaves = leavesOf(renderSoapFault({ denial, requestId: text, contentType }).body)
          assert.equal(textAt(leaves, 'refusal/sent'), legible(text))
        },
      ),
    )
  })
})

describe('a failure as SOAP Fault', () => {
  it('says the request id and nothing else of it', () => {
    for (const contentType of ['text/xml', 'application/soap+xml']) {
      const { body } = renderSoapFailure({ requestId: 'request-1', status: 502, contentType })
      const leaves = leavesOf(body)
      assert.match(body, /soap:(?:Server|Receiver)/)
      const detail = leaves.filter((leaf) => /\/[Dd]etail\//.test(leaf.path))
      assert.deepEqual(
        detail.map(({ path, text }) => [path.replace(/.*\//, ''), text]),
        [['requestId', 'request-1']],
      )
    }
  })
})
