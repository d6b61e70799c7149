import { hosts, writtenSubjectOf, type Range } from './pki-plan.js'

/** Ports on the loopback interface. */
export interface DevelopmentPorts {
  readonly sandbox: number
  readonly production: number
  readonly admin: number
  /** Of the stand-in ROR. */
  readonly ror: number
}

/** The configuration files of the development folder: path below it → text. */
export function developmentConfig(ports: DevelopmentPorts): ReadonlyMap<string, string> {
  return new Map([
    ['gateway.yaml', gatewayYaml(ports)],
    // one for each environment: what a list is given for one is not to be in force in the other
    [`lists/${listNames.test}`, establishmentList],
    [`lists/${listNames.prod}`, establishmentList],
    ['whitelist/sandbox/eai-bretagne.yaml', eai('test')],
    ['whitelist/sandbox/saas-lits.yaml', saas('test')],
    ['whitelist/sandbox/proprietaire-etablissements.yaml', proprietary('test')],
    ['whitelist/sandbox/consommateur-rorn.yaml', consumer('test')],
    ['whitelist/sandbox/consommateur-drimbox.yaml', csdConsumer],
    ['whitelist/production/eai-bretagne.yaml', eai('prod')],
    ['whitelist/production/saas-lits.yaml', saas('prod')],
    ['whitelist/production/proprietaire-etablissements.yaml', proprietary('prod')],
    ['whitelist/production/consommateur-rorn.yaml', consumer('prod')],
  ])
}

const listNames = {
  test: 'eai-bretagne.csv',
  prod: 'eai-bretagne-production.csv',
} as const satisfies Record<Range, string>

/** What the development whitelists permit; the first calls are made of these. */
export const establishments = {
  ssr: '350054680',
  dayHospital: '350054698',
  iroise: '290004324',
  nursingHome: '290004332',
  threeLadies: '1B0073160',
} as const

function gatewayYaml(ports: DevelopmentPorts): string {
  return `# A gateway before the stand-in ROR: Sandbox and production side by side.
# Made by \`ror-gateway dev\`; yours to edit: it is never overwritten once you have.
environments:
${environment({ name: 'sandbox', range: 'test', port: ports.sandbox, ror: ports.ror })}
${environment({ name: 'production', range: 'prod', port: ports.production, ror: ports.ror })}
admin: { listen: { host: 127.0.0.1, port: ${ports.admin} } } # /metrics /livez /readyz /status
audit: { file: audit.ndjson, sealKey: audit.key } # one line a decision, chained and sealed
limits: { maxConnections: 1000 } # of each environment: a workstation may allow few open files
`
}

interface Environment {
  readonly name: keyof typeof hosts
  readonly range: Range
  readonly port: number
  readonly ror: number
}

function environment({ name, range, port, ror }: Environment): string {
  const { authorization, fhir } = hosts[name]
  const upstream = `http://127.0.0.1:${ror}`
  return `  - name: ${name}
    listen: { host: 127.0.0.1, port: ${port} }
    tls:
      certificate: pki/${name}.pem
      key: pki/${name}.key
      clientCa: [pki/${range}-ca.pem] # ${range.toUpperCase()} authorities only
      crl: [pki/${range}-ca.crl]
      crlPolicy: require
    whitelist: whitelist/${name}/
    apis:
      - name: token
        kind: oauth-token
        hosts: [${authorization}]
        path: /auth/realms/ror/protocol/openid-connect/token
        upstream: ${upstream}
      - name: fhir-read
        kind: fhir
        hosts: [${fhir}]
        path: /ws-diffusion-fhir
        match: subject
        upstream: ${upstream}
      - name: fhir-write
        kind: fhir
        hosts: [${fhir}]
        path: /ws-synchro-dispo-lits-fhir
        match: subject
        upstream: ${upstream}
        writes: # what is not described here is not writable
          - method: PATCH
            path: /Location
            establishment: { query: identifier, form: idnatstruct/unit }
      - name: csd
        kind: csd
        hosts: [${fhir}]
        path: /csd
        match: public-key
        upstream: ${upstream}`
}

const establishmentList = `FINESS;Nom
${establishments.iroise};HOPITAL DE L'IROISE
${establishments.nursingHome};EHPAD DES ABERS
`

function eai(range: Range): string {
  return `partners:
  - id: eai-bretagne
    name: EAI régional Bretagne
    solution: regional-eai
    certificates:
      - subject: ${JSON.stringify(writtenSubjectOf(range, 'eai'))}
    apis: [token, fhir-read, fhir-write]
    establishments: ["${establishments.ssr}"]
    establishmentsFile: ../../lists/${listNames[range]}
`
}

function saas(range: Range): string {
  return `partners:
  - id: saas-lits
    name: SaaS de gestion des lits
    solution: saas
    certificates:
      - subject: ${JSON.stringify(writtenSubjectOf(range, 'saas'))}
    apis: [token, fhir-write]
    establishments: ["${establishments.dayHospital}", "${establishments.threeLadies}"]
`
}

function proprietary(range: Range): string {
  const dames = `partners:
  - id: proprietaire-etablissements
    name: Solution propriétaire, un certificat par établissement
    solution: proprietary
    certificates:
      - subject: ${JSON.stringify(writtenSubjectOf(range, 'proprietary-dames'))}
        establishments: ["${establishments.threeLadies}"] # this certificate writes for itself only
`
  const iroise = `      - subject: ${JSON.stringify(writtenSubjectOf('test', 'proprietary-iroise'))}
        establishments: ["${establishments.iroise}"]
`
  return `${dames}${range === 'test' ? iroise : ''}    apis: [token, fhir-write]
`
}

function consumer(range: Range): string {
  return `partners:
  - id: consommateur-rorn
    name: Consommateur FHIR MEV 3.0
    solution: consumer
    certificates:
      - subject: ${JSON.stringify(writtenSubjectOf(range, 'consumer-fhir'))}
    apis: [token, fhir-read]
    rorHeaders: { Ror-Role-Metier-Code: AUTOMATE } # sent otherwise is refused
`
}

const csdConsumer = `partners:
  - id: consommateur-drimbox
    name: Consommateur CSD MEV 2.4
    solution: consumer
    certificates:
      - publicKey: ../../pki/test/consumer-csd.pem # or sha256:…
    apis: [csd]
`
