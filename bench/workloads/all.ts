import { idleWorkload } from './idle.js'
import { listSizeWorkloads } from './list-size.js'
import { reloadWorkload } from './reload.js'
import { handshakeWorkloads, steadyWorkloads } from './steady.js'
import type { Workload } from './workload.js'

/** Everything that is measured, in the order of the report. */
export const allWorkloads: readonly Workload[] = [
  ...steadyWorkloads,
  ...handshakeWorkloads,
  idleWorkload,
  ...listSizeWorkloads,
  reloadWorkload,
]
