import type { TestContext } from 'node:test'
import { plainAnswer, type RecordedRequest } from '../support/recorder.js'
import { fhirHost, makeStand, standardConfig, type Stand } from './stand.js'

/** A resource as an upstream stores it. */
export interface Stored {
  readonly resourceType: string
  readonly id: string
  readonly [element: string]: unknown
}

export interface WriteStandWish {
  /** YAML of the rules, one flow mapping each. */
  readonly writes: readonly string[]
  /** IdNatStruct or FINESS numbers of the partner. */
  readonly establishments?: readonly string[]
  readonly stored?: readonly Stored[]
  /** YAML flow mapping. */
  readonly resolution?: string
  /** More YAML at the top of gateway.yaml. */
  readonly more?: string
  readonly mode?: string
  readonly now?: () => number
  readonly files?: Readonly<Record<string, string>>
}

/** A stand whose upstream answers reads of what it stores, and takes every write. */
export interface WriteStand extends Stand {
  readonly stored: Map<string, Stored>
  /** In place of the stored resources: what a read of this target answers. */
  readonly answers: Map<string, string | undefined>
  readonly writes: () => readonly RecordedRequest[]
  readonly reads: () => readonly RecordedRequest[]
}

/** Below `/fhir` on the FHIR host, an API with these writes. */
export async function makeWriteStand(context: TestContext, wish: WriteStandWish): Promise<WriteStand> {
  const { establishments = ['350054680', '290004324'], writes, files = {} } = wish
  const stand = await makeStand(context, {
    ...(wish.now !== undefined && { now: wish.now }),
    whitelist: (subject) => `partners:
  - id: eai-bretagne
    name: EAI régional Bretagne
    solution: regional-eai
    mode: ${wish.mode ?? 'enforce'}
    certificates: [{ subject: ${JSON.stringify(subject)} }]
    apis: [fhir]
    establishments: ${JSON.stringify(establishments)}
`,
    config: (text) => {
      const upstream = /upstream: (\S+)/.exec(text)?.[1] ?? ''
      const [head = ''] = standardConfig(upstream).split('    apis:')
      const [, tail = ''] = standardConfig(upstream).split(/(?=^admin:)/m)
      return `${head}    resolution: ${wish.resolution ?? '{}'}
    apis:
      - name: other
        kind: fhir
        hosts: [${fhirHost}]
        path: /fhir/Questionnaire
        upstream: ${upstream}
      - name: fhir
        kind: fhir
        hosts: [${fhirHost}]
        path: /fhir
        match: subject
        upstream: ${upstream}
        writes:
${writes.map((rule) => `          - ${rule}\n`).join('')}${tail}${wish.more ?? ''}`
    },
    prepare: ({ write }) => {
      for (const [name, text] of Object.entries(files)) write(name, text)
    },
  })
  const stored = new Map((wish.stored ?? []).map((each) => [`${each.resourceType}/${each.id}`, each]))
  const answers = new Map<string, string | undefined>()
  stand.upstream.answer = (request) => {
    const [method, target = ''] = request.startLine.split(' ')
    if (method !== 'GET') return plainAnswer
    return answers.has(target) ? answers.get(target) : answerRead(target, stored)
  }
  const ofMethod = (isRead: boolean) => (): readonly RecordedRequest[] =>
    stand.upstream.requests.filter(({ startLine }) => startLine.startsWith('GET ') === isRead)
  return { ...stand, stored, answers, writes: ofMethod(false), reads: ofMethod(true) }
}

/** An answer with a JSON body. */
export function jsonAnswer(body: unknown, status = 200): string {
  const text = Buffer.from(JSON.stringify(body)).toString('latin1')
  return `HTTP/1.1 ${status} X\r\nContent-Type: application/fhir+json;charset=UTF-8\r\nContent-Length: ${text.length}\r\n\r\n${text}`
}

/** A searchset of these resources. */
export function searchset(resources: readonly unknown[], link: readonly unknown[] = []): unknown {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link,
    entry: resources.map((resource) => ({ resource })),
  }
}

function answerRead(target: string, stored: ReadonlyMap<string, Stored>): string {
  const [, path = '', query] = /^\/[^/]+\/([^?]+)(?:\?(.*))?$/.exec(target) ?? []
  if (query === undefined) {
    const found = stored.get(path)
    return found === undefined ? jsonAnswer({ resourceType: 'OperationOutcome' }, 404) : jsonAnswer(found)
  }
  const parameters = new URLSearchParams(query)
  const matches = [...stored.values()].filter((each) => {
    const of = (name: string): string => JSON.stringify(each[name] ?? '')
    return (
      each.resourceType === path &&
      of('identifier').includes(parameters.get('identifier') ?? '') &&
      of('location').includes(parameters.get('location') ?? '')
    )
  })
  return jsonAnswer(searchset(matches))
}
