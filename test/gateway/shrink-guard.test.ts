import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { command } from '../cli/in-process.js'
import { exchangeRaw, type RawAnswer } from '../support/raw-client.js'
import { makeStand, permittedTarget, patchBody, reasonOf, type Stand } from './stand.js'
import { makeTwoEnvironments } from './two-environments.js'

/** The partner of the stand, and that many others. */
function whitelistOf(subject: string, others: number, establishments = 60): string {
  const list = (from: number): string =>
    Array.from(
      { length: establishments },
      (_, index) => `"${String(440_000_000 + from * 1000 + index)}"`,
    ).join(', ')
  const partner = (id: string, name: string, numbers: string): string => `  - id: ${id}
    name: ${id}
    solution: saas
    certificates: [{ subject: ${JSON.stringify(name)} }]
    apis: [fhir-read, fhir-write]
    establishments: [${numbers}]
`
  const rest = Array.from({ length: others }, (_, index) => partner(`p${index}`, `CN=P${index}`, list(index)))
  return `partners:\n${partner('self', subject, '"350054680"')}${rest.join('')}`
}

async function guarded(context: TestContext, more = ''): Promise<{ stand: Stand; subject: string }> {
  let subject = ''
  const stand = await makeStand(context, {
    whitelist: (own) => {
      subject = own
      return whitelistOf(own, 9)
    },
    config: (text) => text.replace('reload: { debounceMs: 20,', `reload: { ${more} debounceMs: 60000,`),
  })
  return { stand, subject }
}

const write = { method: 'PATCH', target: permittedTarget, body: patchBody }

test('a list cut short is refused, the old one stays, and only its revision confirms it', async (context) => {
  const { stand, subject } = await guarded(context)
  stand.write(
    'whitelist/partner.yaml',
    whitelistOf(subject, 4).replace('id: self', 'id: other').replace(subject, `${subject},CN=X`),
  )
  const refused = await stand.gateway.reload('signal')
  assert.equal(refused.result, 'refused')
  assert.deepEqual(
    refused.diagnostics.map(({ code }) => code),
    ['shrink-partners', 'shrink-establishments'],
  )
  assert.match(refused.diagnostics[0]?.message ?? '', /drops 6 of 10 partners \(60 %\)/)
  assert.equal(reasonOf(await stand.send(write)), undefined)

  const again = await stand.gateway.reload('signal')
  assert.equal(again.result, 'refused')
  const wrong = await stand.gateway.reload('admin', { confirm: '0123456789abcdef' })
  assert.equal(wrong.result, 'refused')
  const confirm = refused.refusedRevision ?? ''
  assert.ok((refused.diagnostics[0]?.message ?? '').includes(confirm))
  const dry = await stand.gateway.reload('admin', { confirm, dryRun: true })
  assert.deepEqual([dry.result, dry.nextRevision], ['reloaded', confirm])
  assert.equal(reasonOf(await stand.send(write)), undefined)
  const confirmed = await stand.gateway.reload('admin', { confirm })
  assert.deepEqual([confirmed.result, confirmed.revision], ['reloaded', confirm])
  assert.equal(reasonOf(await stand.send(write)), 'certificate-not-listed')
})

test('a revision that was confirmed does not let the next edit pass', async (context) => {
  const { stand, subject } = await guarded(context)
  stand.write('whitelist/partner.yaml', whitelistOf(subject, 4))
  const { refusedRevision } = await stand.gateway.reload('signal')
  stand.write('whitelist/partner.yaml', whitelistOf(subject, 0))
  const late = await stand.gateway.reload('admin', { confirm: refusedRevision ?? '' })
  assert.equal(late.result, 'refused')
})

const tolerated: readonly (readonly [what: string, more: string, others: number, establishments: number])[] =
  [
    ['a partner less', '', 8, 60],
    ['a growing list', '', 30, 60],
    ['as large a share as may go', 'guard: { shrinkPercent: 50, shrinkEstablishments: 1000 },', 4, 60],
    ['a guard that is off', 'guard: { shrinkPercent: 100 },', 0, 60],
    [
      'a guard that asks for more partners',
      'guard: { shrinkPartners: 6, shrinkEstablishments: 1000 },',
      4,
      60,
    ],
  ]

for (const [what, more, others, establishments] of tolerated) {
  test(`the guard lets pass: ${what}`, async (context) => {
    const { stand, subject } = await guarded(context, more)
    stand.write('whitelist/partner.yaml', whitelistOf(subject, others, establishments))
    assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  })
}

test('as many as the guard names are too many', async (context) => {
  const { stand, subject } = await guarded(
    context,
    'guard: { shrinkPartners: 6, shrinkEstablishments: 1000 },',
  )
  stand.write('whitelist/partner.yaml', whitelistOf(subject, 3))
  const { result, diagnostics } = await stand.gateway.reload('signal')
  assert.equal(result, 'refused')
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['shrink-partners'],
  )
})

test('the list of each environment is guarded', async (context) => {
  const { stand } = await makeTwoEnvironments(context, 'ports', {
    config: (text) =>
      text.replace(
        'reload: { debounceMs: 20,',
        'reload: { guard: { shrinkPercent: 50, shrinkEstablishments: 1000 }, debounceMs: 60000,',
      ),
    prepare: (made) => {
      made.write('whitelist-prod/partner.yaml', whitelistOf('CN=X', 9))
    },
  })
  stand.write('whitelist-prod/partner.yaml', whitelistOf('CN=X', 4))
  const half = await stand.gateway.reload('signal')
  assert.equal(half.result, 'reloaded')
  stand.write('whitelist-prod/partner.yaml', whitelistOf('CN=X', 0))
  const { result, diagnostics } = await stand.gateway.reload('signal')
  assert.equal(result, 'refused')
  assert.match(diagnostics[0]?.message ?? '', /the new whitelist of `production` drops 4 of 5 partners/)
})

test('as many partners under other ids are another whitelist', async (context) => {
  const { stand, subject } = await guarded(context)
  stand.write('whitelist/partner.yaml', whitelistOf(subject, 9).replaceAll('id: p', 'id: q'))
  const report = await stand.gateway.reload('signal')
  assert.deepEqual(
    report.diagnostics.map(({ code }) => code),
    ['shrink-partners'],
  )
})

test('a list of the same size with other establishments is refused until it is confirmed', async (context) => {
  const { stand, subject } = await guarded(context)
  // the partner of the stand keeps its own: what is refused is refused for the others
  const swapped = whitelistOf(subject, 9).replaceAll(/"44(\d{7})"/g, '"45$1"')
  stand.write('whitelist/partner.yaml', swapped.replace('"350054680"', '"350054681"'))
  const refused = await stand.gateway.reload('signal')
  assert.deepEqual(
    refused.diagnostics.map(({ code }) => code),
    ['shrink-establishments'],
  )
  assert.match(refused.diagnostics[0]?.message ?? '', /drops 541 of 541 establishments \(100 %\)/)
  assert.equal(reasonOf(await stand.send(write)), undefined)
  const reached = stand.upstream.requests.length
  const confirm = refused.refusedRevision ?? ''
  assert.equal((await stand.gateway.reload('admin', { confirm })).result, 'reloaded')
  assert.equal(reasonOf(await stand.send(write)), 'establishment-not-permitted')
  assert.equal(stand.upstream.requests.length, reached)
})

test('lists that stand beside other partners than before are refused, though none is gone', async (context) => {
  const { stand, subject } = await guarded(context)
  // each list goes to the next partner, as where one column of a sheet is sorted alone
  const ids = whitelistOf(subject, 9).replaceAll(/(id|name): p(\d)/g, (_, key, digit) => {
    return `${String(key)}: p${(Number(digit) + 1) % 9}`
  })
  stand.write('whitelist/partner.yaml', ids)
  const { diagnostics } = await stand.gateway.reload('signal')
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['shrink-establishments'],
  )
  assert.match(
    diagnostics[0]?.message ?? '',
    /drops 540 of 541 establishments from partners that stay \(100 %\)/,
  )
})

test('a partner that hands its list to another, as one of many, is no event', async (context) => {
  const { stand, subject } = await guarded(context)
  const [first, second] = [0, 1].map((each) => String(440_000_000 + each * 1000))
  const handed = whitelistOf(subject, 9)
    .replace(`"${first}"`, '"440999999"')
    .replace(`"${second}"`, `"${first}"`)
  stand.write('whitelist/partner.yaml', handed)
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
})

test('the guard in force decides, not the one that comes with the list', async (context) => {
  const { stand, subject } = await guarded(context)
  stand.write('whitelist/partner.yaml', whitelistOf(subject, 0))
  const config = readFileSync(join(stand.folder, 'gateway.yaml'), 'utf8')
  stand.write('gateway.yaml', config.replace('reload: { ', 'reload: { guard: { shrinkPercent: 100 }, '))
  assert.equal((await stand.gateway.reload('signal')).result, 'refused')
})

test('ror-gateway reload tells, refuses, confirms and waits', async (context) => {
  const { stand, subject } = await guarded(context)
  const { port } = stand.gateway.admin ?? { port: 0 }
  const admin = ['reload', '--admin', `http://127.0.0.1:${port}`]
  stand.write('whitelist/partner.yaml', whitelistOf(subject, 3))
  const dry = await command([...admin, '--dry-run'])
  assert.equal(dry.code, 2)
  assert.match(dry.stdout, /would be refused/)
  const refused = await command([...admin, '--json'])
  assert.equal(refused.code, 2)
  type Gateway = Record<'revision' | 'refusedRevision', string> & { readonly confirmable: boolean }
  const told = JSON.parse(refused.stdout) as { gateways: Gateway[] } // as reload writes
  assert.equal(told.gateways[0]?.confirmable, true)
  const { revision, refusedRevision } = told.gateways[0]
  const inWords = await command(admin)
  assert.match(inWords.stdout, new RegExp(`what was in force stays, revision ${revision}\n`))
  assert.match(inWords.stdout, new RegExp(`--confirm ${refusedRevision}\n$`))
  const status = await exchangeRaw(
    port,
    'GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  )
  assert.ok(status.body.includes(`"refusedRevision": "${refusedRevision}"`))
  const confirmed = await command([...admin, '--confirm', refusedRevision, '--wait'])
  assert.equal(confirmed.code, 0, confirmed.stderr)
  assert.match(confirmed.stdout, new RegExp(`every process runs revision ${refusedRevision}`))
  const unchanged = await command([...admin, '--wait'], { LANG: 'fr_FR' })
  assert.equal(unchanged.code, 0)
  assert.match(unchanged.stdout, /inchangée, révision [0-9a-f]{16}/)

  stand.write('whitelist/partner.yaml', 'partners: nothing')
  const invalid = await command(admin)
  assert.equal(invalid.code, 3)
  assert.match(invalid.stdout, /partner\.yaml:1:/)
  const nobody = await command(['reload', '--admin', 'http://127.0.0.1:1'])
  assert.equal(nobody.code, 1)
  assert.match(nobody.stderr, /no answer/)
})

test('a page in a browser cannot reload, nor what comes by another name', async (context) => {
  const { stand } = await guarded(context)
  const { port } = stand.gateway.admin ?? { port: 0 }
  const ask = (fields: string, method = 'POST', query = ''): Promise<RawAnswer> =>
    exchangeRaw(
      port,
      `${method} /reload${query} HTTP/1.1\r\n${fields}Content-Length: 0\r\nConnection: close\r\n\r\n`,
    )
  assert.equal((await ask('Host: localhost\r\nOrigin: http://localhost\r\n')).status, 403)
  assert.equal((await ask('Host: ror.example.org\r\n')).status, 421)
  assert.equal((await ask('Host: localhost\r\n', 'GET')).status, 405)
  assert.equal((await ask('Host: localhost\r\n', 'POST', '?force')).status, 400)
  assert.ok((await ask('Host: localhost\r\n')).body.includes('"result": "unchanged"'))
})
