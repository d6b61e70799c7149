import { randomBytes, X509Certificate } from 'node:crypto'
import { issuedName, type IssuedName } from '../../src/x509/issue-name.js'
import {
  createAuthority,
  issueCertificate,
  issueCrl,
  serverAuth,
  type Authority,
  type CertificateRequest,
} from '../../src/x509/issue.js'
import { generateKeys, privateKeyPem, type KeyKind, type KeyPair } from '../../src/x509/keys.js'
import { toPem } from '../../src/x509/pem.js'

export const day = 24 * 60 * 60 * 1000

/** A certificate made for a test, with its private key. */
export interface TestCertificate {
  readonly der: Uint8Array
  readonly certificate: X509Certificate
  /** Lower-case hexadecimal, as the certificate holds it. */
  readonly serialNumber: string
  readonly certPem: string
  readonly keyPem: string
  /** The certificate and the intermediate above it: what a client presents. */
  readonly chainPem: string
  readonly keys: KeyPair
}

/** Everything of a certificate that a test may want otherwise. */
export interface CertificateWishes extends Partial<Omit<CertificateRequest, 'publicKey'>> {
  /** EC P-256 unless given; RSA keys are made once per process, kind and subject. */
  readonly key?: KeyKind
  readonly keys?: KeyPair
}

export interface Revoked {
  readonly serialNumber: string
  readonly at?: number
  readonly reason?: number
}

/** The authorities of one environment, shaped as IGC-Santé's: a root, and an intermediate of path length 0. */
export interface TestPki {
  readonly root: Authority
  readonly intermediate: Authority
  readonly rootPem: string
  readonly intermediatePem: string
  /** Root and intermediate: what `clientCa` names. */
  readonly caPem: string
  /** A client certificate; one of its own key each time. */
  client(wishes?: CertificateWishes): Promise<TestCertificate>
  /** A server certificate for these hosts (names, or IPv4 addresses). */
  server(hosts: readonly string[], wishes?: CertificateWishes): Promise<TestCertificate>
  /** The intermediate's CRL, and the root's (empty) one behind it; number 1, a week old at most unless told otherwise. */
  crl(
    revoked?: readonly Revoked[],
    more?: { thisUpdate?: number; nextUpdate?: number; crlNumber?: number | undefined },
  ): string
}

export interface TestPkiOptions {
  /** What stands before the authorities' names: `TEST ` unless given. */
  readonly prefix?: string
  /** Epoch milliseconds around which everything is valid; the machine's clock unless given. */
  readonly now?: number
  /** Key kind of the authorities: EC P-256 unless given. */
  readonly key?: KeyKind
}

const cachedKeys = new Map<string, Promise<KeyPair>>()

/** New authorities, and what issues below them. */
export async function makeTestPki(options: TestPkiOptions = {}): Promise<TestPki> {
  const { prefix = 'TEST ', now = Date.now(), key = 'ec-p256' } = options
  const lasting = { notBefore: now - 5 * 365 * day, notAfter: now + 10 * 365 * day }
  const root = createAuthority({
    ...lasting,
    subject: authorityName(prefix, 'AC RACINE IGC-SANTE ELEMENTAIRE'),
    serialNumber: newSerialNumber(),
    keys: await generateKeys(key),
  })
  const intermediate = createAuthority({
    ...lasting,
    subject: authorityName(prefix, 'AC IGC-SANTE ELEMENTAIRE ORGANISATIONS'),
    serialNumber: newSerialNumber(),
    keys: await generateKeys(key),
    issuer: root,
    pathLength: 0,
  })
  const rootPem = toPem('CERTIFICATE', root.certificate)
  const intermediatePem = toPem('CERTIFICATE', intermediate.certificate)

  async function issue(subject: IssuedName, wishes: CertificateWishes): Promise<TestCertificate> {
    const { key: kind = 'ec-p256', keys: given, ...rest } = wishes
    const keys = given ?? (await keysOf(kind, JSON.stringify(wishes.subject ?? subject)))
    const serialNumber = wishes.serialNumber ?? newSerialNumber()
    const der = issueCertificate({
      subject,
      issuer: intermediate,
      notBefore: now - day,
      notAfter: now + 365 * day,
      ...rest,
      serialNumber,
      publicKey: keys.publicKey,
    })
    const certPem = toPem('CERTIFICATE', der)
    return {
      der,
      certificate: new X509Certificate(der),
      serialNumber,
      certPem,
      keyPem: privateKeyPem(keys),
      chainPem: certPem + intermediatePem,
      keys,
    }
  }

  return {
    root,
    intermediate,
    rootPem,
    intermediatePem,
    caPem: intermediatePem + rootPem,
    client: (wishes = {}) => issue(clientName('EMA'), wishes),
    server: (hosts, wishes = {}) =>
      issue(issuedName([['CN', hosts[0] ?? 'localhost']]), {
        extendedKeyUsage: [serverAuth],
        dnsNames: hosts.filter((host) => !isAddress(host)),
        ipAddresses: hosts.filter(isAddress),
        ...wishes,
      }),
    crl: (revoked = [], more = {}) => {
      const { thisUpdate = now - day, nextUpdate = now + 6 * day } = more
      const crlNumber = 'crlNumber' in more ? more.crlNumber : 1
      const window = { thisUpdate, nextUpdate, ...(crlNumber !== undefined && { crlNumber }) }
      const entries = revoked.map(({ at = thisUpdate, ...rest }) => ({ at, ...rest }))
      return [
        issueCrl({ ...window, issuer: intermediate, revoked: entries }),
        issueCrl({ ...window, issuer: root, revoked: [] }),
      ]
        .map((der) => toPem('X509 CRL', der))
        .join('')
    },
  }
}

/** `C=FR, ST=Paris (75), O=HOPITAL DES 3. DAMES, OU=11B0073160, CN=…`, as in the real example. */
export function clientName(commonName: string): IssuedName {
  return issuedName([
    ['C', 'FR'],
    ['ST', 'Paris (75)'],
    ['O', 'HOPITAL DES 3. DAMES'],
    ['OU', '11B0073160'],
    ['CN', commonName],
  ])
}

/** 16 random bytes, positive, without a leading zero byte. */
export function newSerialNumber(): string {
  return `1${randomBytes(16).toString('hex').slice(1)}`
}

function authorityName(prefix: string, commonName: string): IssuedName {
  return issuedName([
    ['C', 'FR'],
    ['O', 'ASIP-SANTE'],
    ['OU', '0002 187512751'],
    ['OU', prefix === '' ? 'IGC-SANTE' : `IGC-SANTE ${prefix.trim()}`],
    ['CN', `${prefix}${commonName}`],
  ])
}

// EC keys cost nothing, and a test may need two clients of one name and different keys
function keysOf(kind: KeyKind, label: string): Promise<KeyPair> {
  if (!kind.startsWith('rsa')) return generateKeys(kind)
  const name = `${kind} ${label}`
  const keys = cachedKeys.get(name) ?? generateKeys(kind)
  cachedKeys.set(name, keys)
  return keys
}

function isAddress(host: string): boolean {
  return /^[0-9.]+$/.test(host)
}
