import type { AdminAction } from '../admin/server.js'
import { formatDiagnostic } from '../core/diagnostic.js'
import type { PolicySource, ReloadReport } from './policy-source.js'

/** What a reload came to, or would come to, as the admin listener tells it. */
export interface ReloadAnswer {
  readonly result: ReloadReport['result']
  readonly dryRun: boolean
  /** Of the policy in force. */
  readonly revision: string
  /** Of what came, or would come, into force. */
  readonly nextRevision?: string
  readonly refusedRevision?: string
  /** Whether naming `refusedRevision` as `confirm` would bring it into force. */
  readonly confirmable: boolean
  readonly durationMs: number
  readonly diagnostics: readonly string[]
}

/**
 * `POST /reload` on the admin listener: reads the files anew, and answers when it is done.
 *
 * `confirm=REVISION` lets a policy pass that the guard refuses, if the files still are that revision;
 * `dry-run` only tells. Refused is 409.
 */
export function reloadAction(source: PolicySource): AdminAction {
  return async (parameters) => {
    for (const name of parameters.keys()) {
      if (name !== 'confirm' && name !== 'dry-run')
        return { status: 400, value: { error: 'unknown-parameter', expected: ['confirm', 'dry-run'] } }
    }
    const confirm = parameters.get('confirm')
    const dryRun = parameters.has('dry-run')
    const report = await source.reload('admin', { dryRun, ...(confirm !== null && { confirm }) })
    return { status: report.result === 'refused' ? 409 : 200, value: answerOf(report, dryRun) }
  }
}

function answerOf(report: ReloadReport, dryRun: boolean): ReloadAnswer {
  const { result, revision, nextRevision, refusedRevision, durationMs, diagnostics } = report
  return {
    result,
    dryRun,
    revision,
    ...(nextRevision !== undefined && { nextRevision }),
    ...(refusedRevision !== undefined && { refusedRevision }),
    confirmable: report.confirmable === true,
    durationMs: Math.round(durationMs),
    diagnostics: diagnostics.map(formatDiagnostic),
  }
}
