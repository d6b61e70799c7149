import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeTestPki, type TestCertificate } from '../test/support/pki.js'
import { makePartners, partnerName, type Partner } from './partners.js'

export const host = 'bas-api-fhir.qualif.ror.esante.gouv.fr'

/** What all subjects are given: one PKI, one upstream, files of a scratch folder. */
export interface Stage {
  readonly folder: string
  /** PEM of the root, for clients. */
  readonly rootPem: string
  /** Listed in every list, in its middle. */
  readonly listed: TestCertificate
  readonly unlisted: TestCertificate
  /** Listed only where a list is made with it: what a reload brings. */
  readonly late: TestCertificate
  readonly upstream: { readonly port: number; readonly origin: string }
  /** Lists of so many partners; the same ones each time. */
  partners(count: number, more?: 'late'): readonly Partner[]
  write(file: string, text: string): void
  path(file: string): string
  remove(): void
}

/** One key type for everybody: RSA 2048, as IGC-Santé issues it. */
const key = 'rsa-2048'

/** Makes the PKI and the files that are the same for all. */
export async function makeStage(upstreamPort: number): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-bench-'))
  const pki = await makeTestPki({ key })
  const server = await pki.server([host, 'localhost'], { key })
  const client = (name: string): Promise<TestCertificate> => pki.client({ key, subject: partnerName(name) })
  const [listed, unlisted, late] = await Promise.all([client('listed'), client('unlisted'), client('late')])
  const path = (file: string): string => join(folder, file)
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(path(file)), { recursive: true })
    writeFileSync(path(file), text)
  }
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', remove)
  write('pki/server.pem', server.chainPem)
  write('pki/server.key', server.keyPem)
  write('pki/server-with-key.pem', server.chainPem + server.keyPem)
  write('pki/client-ca.pem', pki.caPem)
  write('pki/root.pem', pki.rootPem)
  write('pki/client-ca.crl', pki.crl())
  return {
    folder,
    rootPem: pki.rootPem,
    listed,
    unlisted,
    late,
    upstream: { port: upstreamPort, origin: `http://127.0.0.1:${upstreamPort}` },
    partners: (count, more) => makePartners(count, more === 'late'),
    write,
    path,
    remove,
  }
}
