import { createBulkExport } from './bulk-export.js'
import { patchCapacity } from './capacity-patch.js'
import { answerCsd } from './csd-endpoint.js'
import { isObject, jsonOf, type Answer, type JsonObject, type ReceivedRequest } from './exchange.js'
import { fhirAnswer, outcomeAnswer } from './fhir-answer.js'
import { createFhirSearch } from './fhir-search.js'
import { servedTypes, type RorStore } from './ror-store.js'
import { createTokenEndpoint } from './token-endpoint.js'

/** What reached the stand-in, counted by what it asked for. */
export interface StandInRequests {
  total: number
  token: number
  read: number
  /** The capacity PATCH. */
  capacity: number
  export: number
  anomaly: number
  csd: number
  /** Writes that the ROR takes from its own server only; executed here, so that a leak would show. */
  serverWrite: number
  unknown: number
}

type Handler = (request: ReceivedRequest) => Answer
const tokenPath = '/auth/realms/ror/protocol/openid-connect/token'

/** Where a request leads, and under what it is counted. */
export interface Route {
  readonly counter: Exclude<keyof StandInRequests, 'total'>
  readonly handle: Handler
}

/** Every endpoint of the stand-in, over one store. */
export function createRorRoutes(store: RorStore): (request: ReceivedRequest) => Route {
  const search = createFhirSearch(store)
  const bulk = createBulkExport(store)
  const token = createTokenEndpoint()

  const read: Handler = (request) => {
    const [type = '', id] = request.path.slice('/ws-diffusion-fhir/'.length).split('/')
    if (type === 'metadata') return fhirAnswer(request, 200, { body: capabilities(request) })
    if (type === '') {
      const page = search.page(request)
      if (page !== undefined) return fhirAnswer(request, 200, { body: page })
      return outcomeAnswer(request, 410, { code: 'processing', diagnostics: 'Recherche inconnue ou expirée' })
    }
    if (!servedTypes.includes(type)) return unknownType(request, type)
    if (id === undefined || id === '') return fhirAnswer(request, 200, { body: search.search(type, request) })
    const resource = store.find(type, id)
    if (resource !== undefined) return fhirAnswer(request, 200, { body: resource })
    const diagnostics = `HAPI-2001: Resource ${type}/${id} is not known`
    return outcomeAnswer(request, 404, { code: 'processing', diagnostics })
  }

  const write: Handler = (request) => {
    const [type = '', id] = request.path.slice('/ws-diffusion-fhir/'.length).split('/')
    const body = jsonOf(request.body)
    if (!servedTypes.includes(type) || !isObject(body) || body['resourceType'] !== type) {
      return outcomeAnswer(request, 400, {
        code: 'invalid',
        diagnostics: 'Une ressource de ce type est attendue',
      })
    }
    const created = id === undefined || store.find(type, id) === undefined
    const stored = store.put({ ...body, resourceType: type, id: id ?? store.newId() }, request.at)
    const location = `${request.origin}/ws-diffusion-fhir/${type}/${stored.id}/_history/1`
    return fhirAnswer(request, created ? 201 : 200, { body: stored, headers: created ? { location } : {} })
  }

  const anomaly: Handler = (request) => {
    const body = jsonOf(request.body)
    if (!isObject(body) || body['resourceType'] !== 'Task') {
      return outcomeAnswer(request, 400, { code: 'invalid', diagnostics: 'Une ressource Task est attendue' })
    }
    const stored = store.put({ ...body, resourceType: 'Task', id: store.newId() }, request.at)
    const location = `${request.origin}/anomalies/Task/${stored.id}/_history/1`
    return fhirAnswer(request, 201, { body: stored, headers: { location } })
  }

  return (request) => {
    const { method, path } = request
    const isRead = method === 'GET' || method === 'HEAD'
    if (path === tokenPath) return { counter: 'token', handle: token }
    if (path === '/csd' || path.startsWith('/csd/')) {
      return { counter: 'csd', handle: (each) => answerCsd(store, each) }
    }
    if (path === '/anomalies/Task' && method === 'POST') return { counter: 'anomaly', handle: anomaly }
    if (path.replace(/\/$/, '') === '/ws-synchro-dispo-lits-fhir/Location' && method === 'PATCH') {
      return { counter: 'capacity', handle: (each) => patchCapacity(store, each) }
    }
    if (path !== '/ws-diffusion-fhir' && !path.startsWith('/ws-diffusion-fhir/')) {
      return { counter: 'unknown', handle: nothingHere }
    }
    if (isRead && path.endsWith('/$export')) return { counter: 'export', handle: bulk.start }
    if (isRead && path.endsWith('/$export-poll-status')) return { counter: 'export', handle: bulk.poll }
    const [, , folder, job = '', name = ''] = path.split('/')
    if (isRead && folder === 'export-files') {
      return { counter: 'export', handle: (each) => bulk.file(each, job, name) }
    }
    if (isRead) return { counter: 'read', handle: read }
    if (method === 'POST' && path.endsWith('/_search')) {
      return { counter: 'read', handle: (each) => read(searchByPost(each)) }
    }
    if (method === 'POST' || method === 'PUT') return { counter: 'serverWrite', handle: write }
    return { counter: 'unknown', handle: nothingHere }
  }
}

function searchByPost(request: ReceivedRequest): ReceivedRequest {
  const form = request.body.toString('utf8')
  const query = [request.query, form].filter((part) => part !== '').join('&')
  return {
    ...request,
    path: request.path.replace(/\/_search$/, ''),
    query,
    parameters: new URLSearchParams(query),
  }
}

function capabilities(request: ReceivedRequest): JsonObject {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: new Date(request.at).toISOString(),
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'application/fhir+xml'],
    rest: [
      {
        mode: 'server',
        resource: servedTypes.map((type) => ({
          type,
          interaction: [{ code: 'read' }, { code: 'search-type' }],
        })),
      },
    ],
  }
}

function unknownType(request: ReceivedRequest, type: string): Answer {
  const known = servedTypes.join(', ')
  return outcomeAnswer(request, 404, {
    code: 'processing',
    diagnostics: `HAPI-0302: Unknown resource type '${type}' - Server knows how to handle: [${known}]`,
  })
}

function nothingHere(request: ReceivedRequest): Answer {
  return outcomeAnswer(request, 404, { code: 'not-found', diagnostics: 'Rien ne se trouve à ce chemin' })
}
