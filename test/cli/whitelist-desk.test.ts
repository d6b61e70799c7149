import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { WhitelistDesk, writeChanges } from '../../src/cli/whitelist-desk.js'
import { enterScratch, say } from './transcript.js'

const options = { config: 'gateway.yaml', env: 'sandbox' }

test('a file that was changed while the change was looked at is not written over', async (context) => {
  enterScratch(context)
  const desk = await WhitelistDesk.open(options)
  const entry = await desk.entryOf('gip')
  assert.ok(entry)
  await desk.put(entry.path, `${entry.text}# ours\n`)
  appendFileSync(entry.path, '# theirs\n')
  await assert.rejects(writeChanges(desk.changes), /has changed meanwhile; nothing was written/)
  assert.equal(readFileSync(entry.path, 'utf8'), `${entry.text}# theirs\n`)
})

test('where one of several files cannot be written, those before it are put back', async (context) => {
  enterScratch(context)
  const desk = await WhitelistDesk.open(options)
  const entry = await desk.entryOf('gip')
  assert.ok(entry)
  await desk.put(entry.path, `${entry.text}# ours\n`)
  await desk.put(resolve('whitelist/new.yaml'), 'partners: []\n')
  await desk.put(resolve('no/such/folder.csv'), '350054680\n')
  await assert.rejects(writeChanges(desk.changes), /no\/such\/folder\.csv`.*; nothing was written$/)
  assert.equal(readFileSync(entry.path, 'utf8'), entry.text)
  assert.equal(existsSync('whitelist/new.yaml'), false)
})

test('a file keeps its permissions, its byte order mark and its line ends', async (context) => {
  enterScratch(context)
  const file = 'whitelist/gip.yaml'
  const text = `\ufeff${readFileSync(file, 'utf8').replaceAll('\n', '\r\n')}`
  writeFileSync(file, text)
  chmodSync(file, 0o600)
  const command = 'import mail/ema.pem --partner gip --config gateway.yaml --env sandbox --write'
  assert.equal((await say(command)).code, 0)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const added = '      - subject: "CN=EMA,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR"\r\n'
  assert.equal(readFileSync(file, 'utf8'), text.replace('    apis:', `${added}    apis:`))
})

test('one number taken from partners of one file changes all of them in one go', async (context) => {
  enterScratch(context)
  const said = await say('remove --establishment 350054680 --config gateway.yaml --env sandbox --write')
  assert.equal(said.code, 0)
  const desk = await WhitelistDesk.open(options)
  const listed = [...(desk.whitelist?.partnersFor('1350054680') ?? [])]
  assert.deepEqual(listed, [])
})

test('a whitelist that is not in order now is told as it is, and nothing is made of it', async (context) => {
  enterScratch(context)
  writeFileSync('whitelist/gip.yaml', 'partners: [')
  const said = await say('import mail/ema.pem --partner gip --config gateway.yaml --env sandbox --write')
  assert.equal(said.code, 3)
  assert.equal(readFileSync('whitelist/gip.yaml', 'utf8'), 'partners: [')
})
