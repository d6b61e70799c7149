import { issuedName, type IssuedName } from '../x509/issue-name.js'

/** TEST certificates are for the Sandbox, PROD ones for production. */
export type Range = 'test' | 'prod'

/** A certificate of the development PKI, and what is peculiar about it. */
export interface ClientPlan {
  readonly range: Range
  /** Stem of its files: `pki/test/eai.pem`, `pki/test/eai.key`. */
  readonly file: string
  readonly subject: IssuedName
  /** `person`: a professional's certificate, without clientAuth. */
  readonly kind: 'organisation' | 'person'
  readonly state: 'valid' | 'expired' | 'revoked'
}

/** Names and files of the authorities of a range. */
export interface AuthorityPlan {
  readonly range: Range
  readonly root: IssuedName
  readonly organisations: IssuedName
  readonly rootCrlUrl: string
  readonly organisationsCrlUrl: string
}

/** The national host names. @see ROR.md section 2 */
export const hosts = {
  sandbox: {
    authorization: 'bas-auth-api.qualif.ror.esante.gouv.fr',
    fhir: 'bas-api-fhir.qualif.ror.esante.gouv.fr',
  },
  production: { authorization: 'auth-api.ror.esante.gouv.fr', fhir: 'api-fhir.ror.esante.gouv.fr' },
} as const

/** Both ranges of authorities: IGC-Santé's names with ` (DEV)` at their end, so that nobody mistakes them. */
export const authorityPlans: readonly AuthorityPlan[] = [
  {
    range: 'test',
    root: authorityName('IGC-SANTE TEST', 'TEST AC RACINE IGC-SANTE ELEMENTAIRE'),
    organisations: authorityName('IGC-SANTE TEST', 'TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS'),
    rootCrlUrl: 'http://igc-sante.esante.gouv.fr/CRL/ACR-EL-TEST.crl',
    organisationsCrlUrl: 'http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG-TEST.crl',
  },
  {
    range: 'prod',
    root: authorityName('IGC-SANTE', 'AC RACINE IGC-SANTE ELEMENTAIRE'),
    organisations: authorityName('IGC-SANTE', 'AC IGC-SANTE ELEMENTAIRE ORGANISATIONS'),
    rootCrlUrl: 'http://igc-sante.esante.gouv.fr/CRL/ACR-EL.crl',
    organisationsCrlUrl: 'http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG.crl',
  },
]

/** The authority of the gateway's own certificates. */
export const serverAuthorityName = issuedName([
  ['C', 'FR'],
  ['O', 'ROR gateway'],
  ['CN', 'Server certificates of the development environment (DEV)'],
])

const eai: Name = ['Ille-et-Vilaine (35)', 'GRADES DE DEMONSTRATION BRETAGNE', '399700000100011']
const saas: Name = ['Hauts-de-Seine (92)', "EDITEUR D'AGENDAS, LITS ET PLACES", '399700000200019']
const threeLadies: Name = ['Paris (75)', 'HOPITAL DES 3. DAMES', '11B0073160']
const iroise: Name = ['Finistère (29)', "GROUPE HOSPITALIER DE L'IROISE", '1290000082']

/** Subject of the consumer that the national documentation names, in the spelling mails use. */
export const consumerSubject = 'CN=CLIENT_TEST_RORN,OU=33333333333,O=GIP - TEST3012,ST=Paris (75),C=FR'

/** Every client certificate. The expired and the revoked one carry the EAI's own name: a renewal keeps it. */
export const clientPlans: readonly ClientPlan[] = [
  organisation('test', 'eai', subject(eai, 'EAI-BRETAGNE')),
  organisation('test', 'saas', subject(saas, 'lits.saas.demonstration')),
  organisation('test', 'proprietary-dames', subject(threeLadies, 'EMA')),
  organisation('test', 'proprietary-iroise', subject(iroise, 'LOGICIEL-MAISON')),
  organisation(
    'test',
    'consumer-fhir',
    subject(['Paris (75)', 'GIP - TEST3012', '33333333333'], 'CLIENT_TEST_RORN'),
  ),
  organisation(
    'test',
    'consumer-csd',
    subject(['Paris (75)', 'CABINET M DOC0036790', '499700367909006'], 'DRIMbox'),
  ),
  organisation(
    'test',
    'unlisted',
    subject(['Rhône (69)', 'CLINIQUE DES TILLEULS', '1690000015'], 'PAS-ENCORE'),
  ),
  { ...organisation('test', 'expired', subject(eai, 'EAI-BRETAGNE')), state: 'expired' },
  { ...organisation('test', 'revoked', subject(eai, 'EAI-BRETAGNE')), state: 'revoked' },
  {
    range: 'test',
    file: 'person',
    subject: issuedName([
      ['C', 'FR'],
      ['title', 'Médecin'],
      ['SN', 'DOC0036790'],
      ['GN', 'KIT'],
      ['CN', '899700367909'],
    ]),
    kind: 'person',
    state: 'valid',
  },
  organisation('prod', 'eai', subject(eai, 'EAI-BRETAGNE-PRODUCTION')),
  organisation('prod', 'saas', subject(saas, 'lits.saas.production')),
  organisation('prod', 'proprietary-dames', subject(threeLadies, 'EMA-PRODUCTION')),
  organisation(
    'prod',
    'consumer-fhir',
    subject(['Paris (75)', 'GIP - TEST3012', '33333333333'], 'CLIENT_PROD_RORN'),
  ),
]

/** A name in the spelling mails use, last RDN first. @see RFC 4514 */
function writtenName(name: IssuedName): string {
  return name
    .flatMap((rdn) => rdn)
    .map(({ type, value }) => `${type}=${String(value).replace(/[,+"\\<>;]/g, '\\$&')}`)
    .reverse()
    .join(',')
}

/** The subject of a planned certificate, as text. */
export function writtenSubjectOf(range: Range, file: string): string {
  const plan = clientPlans.find((each) => each.range === range && each.file === file)
  if (plan === undefined) throw new Error(`no certificate ${range}/${file} is planned`)
  return writtenName(plan.subject)
}

type Name = readonly [state: string, organisation: string, unit: string]

/** C, ST, O, OU, CN in this order. @see ROR.md section 4 */
function subject([state, organisationName, unit]: Name, commonName: string): IssuedName {
  return issuedName([
    ['C', 'FR'],
    ['ST', state],
    ['O', organisationName],
    ['OU', unit],
    ['CN', commonName],
  ])
}

function organisation(range: Range, file: string, name: IssuedName): ClientPlan {
  return { range, file, subject: name, kind: 'organisation', state: 'valid' }
}

function authorityName(unit: string, commonName: string): IssuedName {
  return issuedName([
    ['C', 'FR'],
    ['O', 'ASIP-SANTE'],
    ['OU', '0002 187512751'],
    ['OU', unit],
    ['CN', `${commonName} (DEV)`],
  ])
}
