import assert from 'node:assert/strict'
import { constants } from 'node:crypto'
import { test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { reasonOf } from './stand.js'
import { makeTwoEnvironments, visit } from './two-environments.js'

const versions: readonly (readonly [name: string, tls: ConnectionOptions])[] = [
  ['a TLS 1.3 ticket', { minVersion: 'TLSv1.3' }],
  ['a TLS 1.2 ticket', { maxVersion: 'TLSv1.2' }],
  ['a TLS 1.2 session id', { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET }],
]

for (const how of ['ports', 'one port'] as const) {
  test(`TEST and PROD on ${how === 'ports' ? 'two ports' : how} are apart`, async (context) => {
    const both = await makeTwoEnvironments(context, how)
    const { stand, sandbox, production } = both
    const directions = [
      [sandbox, production],
      [production, sandbox],
    ] as const

    for (const [own, other] of directions) {
      for (const [what, tls] of versions) {
        await context.test(`${what} of ${own.name} opens nothing on ${other.name}`, async () => {
          const first = await visit(own, { client: own.client, tls })
          assert.equal(first.answer.status, 200, first.answer.raw)
          const reached = stand.upstream.requests.length
          // the authority of the other side is none of the server's that this client knows: it looks away
          const blind = { ...tls, rejectUnauthorized: false }
          const { answer } = await visit(other, { client: own.client, session: first.session, tls: blind })
          assert.equal(reasonOf(answer), 'certificate-other-environment', answer.raw)
          assert.equal(answer.status, 401)
          const event = await stand.auditOf(answer)
          assert.equal(event['environment'], other.name)
          assert.equal(event['resumed'], false)
          const bare = await visit(other, { client: null, session: first.session, tls: blind })
          assert.equal(reasonOf(bare.answer), 'certificate-missing')
          assert.equal(stand.upstream.requests.length, reached)
        })

        const resumes = how === 'ports' && !what.endsWith('id')
        await context.test(
          `${what} of ${own.name} ${resumes ? 'resumes' : 'is not resumed'} there`,
          async () => {
            const first = await visit(own, { client: own.client, tls })
            const { answer } = await visit(own, { client: own.client, session: first.session, tls })
            assert.equal(answer.status, 200)
            assert.equal((await stand.auditOf(answer))['resumed'], resumes)
          },
        )
      }

      await context.test(
        `a Host of ${other.name} on a connection of ${own.name} is misdirected`,
        async () => {
          const reached = stand.upstream.requests.length
          const { answer } = await visit(own, { client: own.client, host: other.host })
          assert.equal(answer.status, 421)
          assert.equal(reasonOf(answer), 'environment-mismatch')
          assert.equal(stand.upstream.requests.length, reached)
        },
      )
    }

    await context.test('a server name of production leads nowhere but to production', async () => {
      const reached = stand.upstream.requests.length
      const tls = { servername: production.host, rejectUnauthorized: false }
      const { answer } = await visit(sandbox, { client: sandbox.client, tls })
      assert.equal(answer.status, 421)
      assert.equal(reasonOf(answer), 'environment-mismatch')
      assert.equal(stand.upstream.requests.length, reached)
    })

    await context.test('without a server name the first environment of the port answers', async () => {
      const tls = { servername: '', rejectUnauthorized: false }
      const { answer } = await visit(sandbox, { client: sandbox.client, tls })
      assert.equal(answer.status, 200)
      const wrong = await visit(sandbox, { client: production.client, tls })
      assert.equal(reasonOf(wrong.answer), 'certificate-other-environment')
      const elsewhere = await visit(sandbox, { client: sandbox.client, host: production.host, tls })
      assert.equal(reasonOf(elsewhere.answer), 'environment-mismatch')
    })
  })
}

test('environments that share a port speak no older version than they ask for', async (context) => {
  const { sandbox, production } = await makeTwoEnvironments(context, 'one port', {
    config: (text) => text.replace('crlPolicy: require', 'crlPolicy: require\n      minVersion: TLSv1.3'),
  })
  for (const side of [sandbox, production]) {
    const { client } = side
    assert.equal((await visit(side, { client })).answer.status, 200)
    await assert.rejects(visit(side, { client, tls: { maxVersion: 'TLSv1.2' } }))
  }
})
