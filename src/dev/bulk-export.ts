import { randomUUID } from 'node:crypto'
import { fieldOf, type Answer, type ReceivedRequest } from './exchange.js'
import { outcomeAnswer } from './fhir-answer.js'
import { servedTypes, type RorStore } from './ror-store.js'

const rememberedJobs = 100

interface Job {
  readonly types: readonly string[]
  readonly request: string
  readonly startedAt: number
  polls: number
}

/** The three steps of an asynchronous `$export`. @see FHIR Bulk Data Access 2.0 */
export interface BulkExport {
  readonly start: (request: ReceivedRequest) => Answer
  /** 202 the first time, then the manifest. */
  readonly poll: (request: ReceivedRequest) => Answer
  /** One file of the manifest, as NDJSON. */
  readonly file: (request: ReceivedRequest, job: string, name: string) => Answer
}

/** Exports of the store; `_type` and the types of `_typeFilter` select, the filters themselves do not. */
export function createBulkExport(store: RorStore): BulkExport {
  const jobs = new Map<string, Job>()
  const base = (request: ReceivedRequest): string => `${request.origin}/ws-diffusion-fhir`

  return {
    start(request) {
      if (!(fieldOf(request.headers, 'prefer') ?? '').includes('respond-async')) {
        return outcomeAnswer(request, 400, {
          code: 'processing',
          diagnostics: 'HAPI-0513: Must request async processing for $export',
        })
      }
      const oldest = jobs.keys().next()
      if (jobs.size >= rememberedJobs && oldest.done !== true) jobs.delete(oldest.value)
      const id = randomUUID()
      const asked = `${request.origin}${request.path}${request.query === '' ? '' : `?${request.query}`}`
      jobs.set(id, { types: typesOf(request.parameters), request: asked, startedAt: request.at, polls: 0 })
      const location = `${base(request)}/$export-poll-status?_jobId=${id}`
      return { status: 202, headers: { 'content-location': location }, body: '' }
    },
    poll(request) {
      const id = request.parameters.get('_jobId') ?? ''
      const job = jobs.get(id)
      if (job === undefined) return notFound(request)
      job.polls += 1
      if (job.polls === 1) {
        return { status: 202, headers: { 'x-progress': 'Build in progress', 'retry-after': '1' }, body: '' }
      }
      const output = job.types
        .filter((type) => store.list(type).length > 0)
        .map((type) => ({ type, url: `${base(request)}/export-files/${id}/${type}.ndjson` }))
      const manifest = {
        transactionTime: new Date(job.startedAt).toISOString(),
        request: job.request,
        requiresAccessToken: true,
        output,
        error: [],
      }
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(manifest),
      }
    },
    file(request, id, name) {
      const type = name.replace(/\.ndjson$/, '')
      if (jobs.get(id)?.types.includes(type) !== true) return notFound(request)
      const lines = store.list(type).map((resource) => `${JSON.stringify(resource)}\n`)
      return { status: 200, headers: { 'content-type': 'application/fhir+ndjson' }, body: lines.join('') }
    },
  }
}

function typesOf(parameters: URLSearchParams): readonly string[] {
  const asked = [...parameters]
    .filter(([name]) => name === '_type' || name === '_typeFilter')
    .flatMap(([name, value]) => (name === '_type' ? value.split(',') : value.split('?', 1)))
  return asked.length === 0 ? servedTypes : servedTypes.filter((type) => asked.includes(type))
}

function notFound(request: ReceivedRequest): Answer {
  return outcomeAnswer(request, 404, { code: 'not-found', diagnostics: 'Export inconnu' })
}
