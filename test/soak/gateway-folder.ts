import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fhirHost, standardConfig, standardWhitelist, subjectOf } from '../gateway/stand.js'
import { clientName, makeTestPki } from '../support/pki.js'
import type { TrafficNeeds } from './traffic.js'

/** Writes what a gateway process starts from, and makes two clients: a listed one and a stranger. */
export async function prepareFolder(
  folder: string,
  { upstream, config }: { readonly upstream: string; readonly config: (text: string) => string },
): Promise<Pick<TrafficNeeds, 'ca' | 'partner' | 'stranger'>> {
  const pki = await makeTestPki()
  const server = await pki.server([fhirHost])
  const partner = await pki.client()
  const stranger = await pki.client({ subject: clientName('STRANGER') })
  for (const sub of ['pki', 'whitelist']) mkdirSync(join(folder, sub))
  writeFileSync(join(folder, 'pki/server.pem'), server.chainPem)
  writeFileSync(join(folder, 'pki/server.key'), server.keyPem)
  writeFileSync(join(folder, 'pki/client-ca.pem'), pki.caPem)
  writeFileSync(join(folder, 'pki/client-ca.crl'), pki.crl())
  writeFileSync(join(folder, 'whitelist/partner.yaml'), standardWhitelist(subjectOf(partner)))
  const text = standardConfig(upstream).replace('log: { level: silent }', 'log: { level: info }')
  writeFileSync(join(folder, 'gateway.yaml'), config(text))
  return { ca: pki.rootPem, partner, stranger }
}
